"""What the double does, without HTTP: a state machine over one SQLite file.

    engine = Engine(Store("var/stripe.sqlite3"))
    session = engine.create_session(params, now=now)
    session = engine.pay(session["id"], "wechat_pay", now=now)
    refund = engine.refund({"payment_intent": session["payment_intent"], "amount": 500}, now=now)

Parameters are Stripe's own, nested; objects come back as Stripe's JSON. Whoever seeds works
on the same file before the server starts, with `notify=False` and inside `engine.batch()`,
so that thousands of past payments are one transaction and tell no webhook. Time is an
argument everywhere. A refusal is an `ApiError`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from doubles.stripe import cards, parameters, rules, shapes
from doubles.stripe.cards import Card
from doubles.stripe.errors import ApiError, bad, missing
from doubles.stripe.store import Json, Store

EVENTS_KEPT = timedelta(days=30)
ANSWERS_KEPT = timedelta(hours=24)
_NOBODY: Json = {"id": None, "idempotency_key": None}


@dataclass(frozen=True, slots=True)
class CardDeclined(Exception):  # noqa: N818 -- an answer to the payer, not a fault
    """The card is not taken; the session stays open for another try."""

    refusal: cards.CardRefusal


class Engine:
    """Sessions, payment intents, charges, refunds and events, and how they follow each other.

    `base_url` is where the payment page is served, `notify` says whether a webhook is to be
    told of events, `settle_after` how many seconds a refund stays pending. With
    `keep_events=False` none are written, which suits a seeded past: Stripe forgets them too.
    """

    def __init__(
        self,
        store: Store,
        *,
        base_url: str = "http://127.0.0.1:8100",
        notify: bool = False,
        settle_after: int = 5,
        keep_events: bool = True,
    ) -> None:
        self.store = store
        self.base_url = base_url.rstrip("/")
        self._notify = notify
        self._settle_after = settle_after
        self._keep_events = keep_events

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Do everything in the block as one transaction."""
        with self.store.transaction():
            yield

    def create_session(
        self, params: Mapping[str, Any], *, now: datetime, origin: Json = _NOBODY
    ) -> Json:
        """Open a Checkout Session, or refuse as Stripe refuses."""
        del origin  # Stripe has no event for a session that was opened
        created = _seconds(now)
        given = parameters.read("checkout.session.create", params)
        rules.check_session(given, created)
        given.setdefault("expires_at", created + rules.LONGEST)
        lines = [shapes.line_item(one, created=created) for one in given["line_items"]]
        made = shapes.session(given, lines, created=created)
        with self.store.transaction():
            self.store.add(made, created=created)
            for line in lines:
                self.store.add(line, created=created, parent=made["id"])
            data = given.get("payment_intent_data", {})
            self.store.add(
                {"id": f"data_{made['id']}", "object": "intent_data", **data},
                created=created,
                parent=made["id"],
            )
            self.store.schedule(made["id"], "expire", made["expires_at"])
        return self.shown(made)

    def session(self, identifier: str, *, now: datetime) -> Json:
        """Give a session as it is now; one whose time is up is expired first."""
        found = self._find("checkout.session", identifier, "session")
        if found["status"] == "open" and found["expires_at"] <= _seconds(now):
            with self.store.transaction():
                found = self._find("checkout.session", identifier, "session")
                if found["status"] == "open":
                    self._expire(found, now, _NOBODY)
        return self.shown(found)

    def lines(self, identifier: str) -> list[Json]:
        """Give a session's lines in their order."""
        return self.store.children("item", identifier)

    def expire_session(self, identifier: str, *, now: datetime, origin: Json = _NOBODY) -> Json:
        """Close an open session. Refuses one that is complete or expired."""
        with self.store.transaction():
            found = self.session(identifier, now=now)
            if found["status"] != "open":
                raise ApiError(
                    'Only Checkout Sessions with a status in ["open"] can be expired. This '
                    f"Checkout Session has a status of `{found['status']}`."
                )
            self._expire(found, now, origin)
        return self.shown(found)

    def pay(
        self,
        identifier: str,
        method: str,
        *,
        now: datetime,
        card: Card | None = None,
        delayed: bool = False,
    ) -> Json:
        """Pay a session as the payer would on its page, and give it back complete.

        A card is asked for when `method` is `card`; without one the good test card is used.
        Raises `CardDeclined` and leaves the session open when the card is not taken, and
        `ApiError` when the session is no longer open or does not offer the method.
        `delayed` completes the session before the money is there; `settle` says how it ends.
        """
        with self.store.transaction():
            paid = self.session(identifier, now=now)
            if paid["status"] != "open":
                raise ApiError(
                    f"This Checkout Session has a status of `{paid['status']}`.",
                    code="checkout_session_not_open",
                )
            if method not in paid["payment_method_types"]:
                raise bad(f"This Checkout Session does not offer {method}.", "method")
            intent = self._intent_of(paid, now)
            card = (card or cards.TEST_CARD) if method == "card" else None
            refusal = cards.refusal(card, now.year, now.month) if card else None
            if refusal is None:
                self._complete(paid, intent, delayed=delayed)
                details = shapes.method_details(method, card)
                if delayed:
                    self._park(paid, intent, details, now)
                else:
                    self._charge(paid, intent, details, now, card)
                    self._emit("checkout.session.completed", self.shown(paid), now)
                return self.shown(paid)
            self._note_decline(intent, refusal, now)
        # Only now, so that the failed try is kept.
        raise CardDeclined(refusal)

    def settle(self, identifier: str, *, succeeded: bool, now: datetime) -> Json:
        """End a delayed payment, well or badly."""
        with self.store.transaction():
            paid = self.session(identifier, now=now)
            if paid["status"] != "complete" or paid["payment_status"] != "unpaid":
                raise ApiError("This Checkout Session is not waiting for its payment.")
            intent = self._find("payment_intent", paid["payment_intent"], "intent")
            parked = self._find("parked_details", f"parked_{paid['id']}", "session")
            if succeeded:
                paid["payment_status"] = "paid"
                self.store.change(paid)
                self._charge(paid, intent, parked["details"], now, None)
                self._emit("checkout.session.async_payment_succeeded", self.shown(paid), now)
            else:
                intent["status"] = "requires_payment_method"
                self.store.change(intent)
                self._emit("payment_intent.payment_failed", intent, now)
                self._emit("checkout.session.async_payment_failed", self.shown(paid), now)
        return self.shown(paid)

    def refund(self, params: Mapping[str, Any], *, now: datetime, origin: Json = _NOBODY) -> Json:
        """Give back a part or all of a charge. Refuses more than is left of it."""
        created = _seconds(now)
        given = parameters.read("refund.create", params)
        parameters.refuse_unsupported(given, rules.REFUND)
        with self.store.transaction():
            charged = self._charge_to_refund(given)
            amount = rules.refund_amount(charged, given.get("amount"))
            made = shapes.refund(charged, amount, given, created=created)
            after = self._later_state_of(charged)
            if after == "succeeded":
                made["status"] = "pending"
                made["pending_reason"] = "processing"
            self.store.add(made, created=created, parent=charged["id"])
            if after:
                self.store.schedule(made["id"], after, created + self._settle_after)
            charged["amount_refunded"] += amount
            charged["refunded"] = charged["amount_refunded"] == charged["amount"]
            self.store.change(charged)
            self._emit("refund.created", made, now, origin)
            self._emit("charge.refunded", charged, now, origin)
        return made

    def advance(self, now: datetime) -> int:
        """Let happen what is due by now, expiry and refunds; give how many things did."""
        done = 0
        while due := self.store.due(_seconds(now)):
            with self.store.transaction():
                for object_id, what in due:
                    self.store.unschedule(object_id, what)
                    if what == "expire":
                        self.session(object_id, now=now)
                    else:
                        self._settle_refund(object_id, what, now)
            done += len(due)
        return done

    def forget(self, now: datetime) -> None:
        """Drop what Stripe drops: events after 30 days, answers under a key after one."""
        with self.store.transaction():
            self.store.forget_events(_seconds(now - EVENTS_KEPT))
            self.store.forget_answers(_seconds(now - ANSWERS_KEPT))

    def find(self, kind: str, identifier: str, param: str) -> Json:
        """Give any object by its id, or refuse as Stripe does."""
        return self._find(kind, identifier, param)

    def with_charge(self, session: Json) -> Json:
        """Give a session with its payment intent and latest charge in place of their ids."""
        if not session["payment_intent"]:
            return session
        intent = self._find("payment_intent", session["payment_intent"], "intent")
        if intent["latest_charge"]:
            intent["latest_charge"] = self._find("charge", intent["latest_charge"], "charge")
        return {**session, "payment_intent": intent}

    def resend(self, event_id: str, *, now: datetime) -> Json:
        """Put an event on its way to the webhook once more."""
        found = self._find("event", event_id, "id")
        if self._notify:
            self.store.queue(event_id, now.timestamp())
        return found

    def _find(self, kind: str, identifier: str, param: str) -> Json:
        found = self.store.get(kind, identifier)
        if found is None:
            raise missing(kind, identifier, param)
        return found

    def shown(self, found: Json) -> Json:
        """Give a session with the address of its page, which only an open one has."""
        url = f"{self.base_url}/c/pay/{found['id']}" if found["status"] == "open" else None
        return {**found, "url": url}

    def _expire(self, found: Json, now: datetime, origin: Json) -> None:
        found["status"] = "expired"
        found["url"] = None
        self.store.change(found)
        self.store.unschedule(found["id"], "expire")
        if found["payment_intent"]:
            intent = self._find("payment_intent", found["payment_intent"], "intent")
            intent |= {
                "status": "canceled",
                "canceled_at": _seconds(now),
                "cancellation_reason": "expired",
            }
            self.store.change(intent)
            self._emit("payment_intent.canceled", intent, now, origin)
        self._emit("checkout.session.expired", self.shown(found), now, origin)

    def _intent_of(self, paid: Json, now: datetime) -> Json:
        """Give the session's payment intent; the first try to pay makes it."""
        if paid["payment_intent"]:
            return self._find("payment_intent", paid["payment_intent"], "intent")
        data = self._find("intent_data", f"data_{paid['id']}", "session")
        intent = shapes.payment_intent(paid, data, created=_seconds(now))
        self.store.add(intent, created=intent["created"], parent=paid["id"])
        paid["payment_intent"] = intent["id"]
        self.store.change(paid)
        self._emit("payment_intent.created", intent, now)
        return intent

    def _complete(self, paid: Json, intent: Json, *, delayed: bool) -> None:
        paid |= {
            "status": "complete",
            "payment_status": "unpaid" if delayed else "paid",
            "payment_intent": intent["id"],
            "url": None,
            "customer_details": {
                "address": None,
                "business_name": None,
                "email": paid["customer_email"],
                "individual_name": None,
                "name": None,
                "phone": None,
                "tax_exempt": "none",
                "tax_ids": [],
            },
        }
        self.store.change(paid)
        self.store.unschedule(paid["id"], "expire")

    def _park(self, paid: Json, intent: Json, details: Json, now: datetime) -> None:
        """Leave a completed session waiting for its money."""
        intent["status"] = "processing"
        self.store.change(intent)
        self.store.add(
            {"id": f"parked_{paid['id']}", "object": "parked_details", "details": details},
            created=_seconds(now),
            parent=paid["id"],
        )
        self._emit("payment_intent.processing", intent, now)
        self._emit("checkout.session.completed", self.shown(paid), now)

    def _charge(
        self, paid: Json, intent: Json, details: Json, now: datetime, card: Card | None
    ) -> None:
        """Take the money that does not exist."""
        charged = shapes.charge(
            intent, details, email=paid["customer_email"], created=_seconds(now)
        )
        self.store.add(charged, created=charged["created"], parent=intent["id"])
        if card and card.number in {cards.REFUND_PENDING, cards.REFUND_FAILS}:
            self.store.add(
                {"id": f"card_{charged['id']}", "object": "test_card", "number": card.number},
                created=charged["created"],
                parent=charged["id"],
            )
        intent |= {
            "status": "succeeded",
            "amount_received": intent["amount"],
            "latest_charge": charged["id"],
            "payment_method": charged["payment_method"],
            "last_payment_error": None,
        }
        self.store.change(intent)
        self._emit("charge.succeeded", charged, now)
        self._emit("payment_intent.succeeded", intent, now)

    def _note_decline(self, intent: Json, refusal: cards.CardRefusal, now: datetime) -> None:
        error = {"code": refusal.code, "message": refusal.message, "type": "card_error"}
        if refusal.decline_code:
            error["decline_code"] = refusal.decline_code
        intent["last_payment_error"] = error
        self.store.change(intent)
        self._emit("payment_intent.payment_failed", intent, now)

    def _charge_to_refund(self, given: Mapping[str, Any]) -> Json:
        """Find the charge that a refund names, itself or by its payment intent."""
        if "charge" in given:
            return self._find("charge", given["charge"], "charge")
        if "payment_intent" not in given:
            raise ApiError(
                "One of the following params should be provided for this request: payment_intent "
                "or charge.",
                before_work=True,
            )
        intent = self._find("payment_intent", given["payment_intent"], "payment_intent")
        if intent["latest_charge"] is None:
            raise ApiError(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
            )
        return self._find("charge", intent["latest_charge"], "charge")

    def _later_state_of(self, charged: Json) -> str | None:
        """Say what becomes of a refund later: `succeeded`, `failed`, or None for nothing.

        Wallet refunds are pending at first; two test cards exist for the other endings.
        """
        if charged["payment_method_details"]["type"] != "card":
            return "succeeded"
        special = self.store.children("test_card", charged["id"])
        if not special:
            return None
        return "succeeded" if special[0]["number"] == cards.REFUND_PENDING else "failed"

    def _settle_refund(self, refund_id: str, state: str, now: datetime) -> None:
        made = self._find("refund", refund_id, "id")
        charged = self._find("charge", made["charge"], "charge")
        made["status"] = state
        made.pop("pending_reason", None)
        if state == "failed":
            made["failure_reason"] = "lost_or_stolen_card"
            made["failure_balance_transaction"] = shapes.new_id("txn_3")
            charged["amount_refunded"] -= made["amount"]
            charged["refunded"] = False
            self.store.change(charged)
        self.store.change(made)
        self._emit("refund.failed" if state == "failed" else "refund.updated", made, now)
        self._emit("charge.refund.updated", made, now)

    def _emit(self, kind: str, body: Json, now: datetime, origin: Json = _NOBODY) -> None:
        """Write an event down and, if somebody is to be told, send it on its way."""
        if not self._keep_events:
            return
        made = shapes.event(
            kind,
            body,
            created=_seconds(now),
            version=parameters.api_version(),
            request=origin,
            told=int(self._notify),
        )
        self.store.add(made, created=made["created"])
        if self._notify:
            self.store.queue(made["id"], now.timestamp())


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
