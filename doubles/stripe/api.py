"""The API under /v1: keys, versions, idempotency, routes, lists and expansion."""

import hashlib
import json
import re
import threading
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from typing import Any

from doubles.stripe import forms, parameters, shapes
from doubles.stripe.engine import ANSWERS_KEPT, Engine
from doubles.stripe.errors import ApiError, bad
from doubles.stripe.store import Answer, Json, Wanted

_LONGEST_KEY = 255
_MOST = 100
_DEEPEST_EXPANSION = 4


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names are lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in and understood as an endpoint."""

    endpoint: str
    names: tuple[str, ...]
    params: Json
    now: datetime
    origin: Json


Handler = Callable[["Api", Call], Json]


class Api:
    """Answers for one account with one secret key. Safe to share between threads."""

    def __init__(self, engine: Engine, secret_key: str, now: Callable[[], datetime]) -> None:
        self.engine = engine
        self._secret_key = secret_key
        self._now = now
        self._lock = threading.Lock()
        self._in_flight: set[str] = set()

    def answer(self, request: Request) -> Response:
        """Answer a request; every answer carries a request id and the API version."""
        request_id = shapes.new_id("req_")
        headers = {
            "Content-Type": "application/json",
            "Request-Id": request_id,
            "Stripe-Version": parameters.api_version(),
        }
        try:
            self._let_in(request)
            return self._routed(request, request_id, headers)
        except ApiError as error:
            return Response(error.status, _text(error.body()).encode(), headers)

    def _let_in(self, request: Request) -> None:
        """Check the secret key and the version asked for."""
        given = _key_of(request.headers.get("authorization", ""))
        if not given:
            raise ApiError(
                "You did not provide an API key. You need to provide your API key in the "
                "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
                "YOUR_SECRET_KEY').",
                status=401,
            )
        if not compare_digest(given.encode(), self._secret_key.encode()):
            hidden = f"{given[:8]}{'*' * max(len(given) - 12, 4)}{given[-4:]}"
            raise ApiError(f"Invalid API Key provided: {hidden}", status=401)
        version = request.headers.get("stripe-version", parameters.api_version())
        if version != parameters.api_version():
            raise bad(
                f"Invalid Stripe API version: {version}. This double speaks "
                f"{parameters.api_version()}."
            )

    def _routed(self, request: Request, request_id: str, headers: dict[str, str]) -> Response:
        for method, pattern, endpoint, handler in _ROUTES:
            match = pattern.fullmatch(request.path)
            if match is None or method != request.method:
                continue
            text = request.query if method == "GET" else request.body.decode("utf-8", "replace")
            key = request.headers.get("idempotency-key") if method == "POST" else None
            call = Call(
                endpoint,
                match.groups(),
                forms.decode(text),
                self._now(),
                {"id": request_id, "idempotency_key": key},
            )
            if key is None:
                return Response(200, _text(handler(self, call)).encode(), headers)
            return self._once(call, handler, headers, request.path)
        raise ApiError(
            f"Unrecognized request URL ({request.method}: {request.path}). Either Stripe does not "
            "have it or this demonstration double does not.",
            status=404,
        )

    def _once(self, call: Call, handler: Handler, headers: dict[str, str], path: str) -> Response:
        """Do a write once per key; later the same request gets the same answer."""
        key = str(call.origin["idempotency_key"])
        if len(key) > _LONGEST_KEY:
            raise bad(f"Idempotency keys can be at most {_LONGEST_KEY} characters.")
        headers["Idempotency-Key"] = key
        asked = hashlib.sha256(_text(call.params, sort=True).encode()).hexdigest()
        with self._alone(key), self.engine.store.transaction():
            since = int((call.now - ANSWERS_KEPT).timestamp())
            kept = self.engine.store.answer(key, since)
            if kept is not None:
                _same_request(kept, path, asked, key)
                headers["Idempotent-Replayed"] = "true"
                headers["Original-Request"] = kept.request_id
                return Response(kept.status, kept.body.encode(), headers)
            status = 200
            try:
                body = handler(self, call)
            except ApiError as error:
                if error.before_work:
                    raise
                status, body = error.status, error.body()
            text = _text(body)
            self.engine.store.keep_answer(
                key,
                Answer(path, asked, status, text, str(call.origin["id"])),
                int(call.now.timestamp()),
            )
            headers["Original-Request"] = str(call.origin["id"])
            return Response(status, text.encode(), headers)

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Let one request at a time use a key; the other is told to come back."""
        with self._lock:
            if key in self._in_flight:
                raise ApiError(
                    "There is currently another in-progress request using this Idempotent Key "
                    "(that probably means you submitted twice, and the other request is still "
                    f"going through): {key}. Please try again later.",
                    status=409,
                    kind="idempotency_error",
                    code="idempotency_key_in_use",
                )
            self._in_flight.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._in_flight.discard(key)

    def create_session(self, call: Call) -> Json:
        """POST /v1/checkout/sessions."""
        made = self.engine.create_session(call.params, now=call.now)
        return self._expanded(made, call.params)

    def retrieve_session(self, call: Call) -> Json:
        """GET /v1/checkout/sessions/{id}."""
        given = parameters.read(call.endpoint, call.params)
        return self._expanded(self.engine.session(call.names[0], now=call.now), given)

    def expire_session(self, call: Call) -> Json:
        """POST /v1/checkout/sessions/{id}/expire."""
        given = parameters.read(call.endpoint, call.params)
        closed = self.engine.expire_session(call.names[0], now=call.now, origin=call.origin)
        return self._expanded(closed, given)

    def list_line_items(self, call: Call) -> Json:
        """GET /v1/checkout/sessions/{id}/line_items."""
        given = parameters.read(call.endpoint, call.params)
        session = self.engine.session(call.names[0], now=call.now)
        parameters.refuse_unsupported(given, {"limit": None, "expand": None})
        lines = self.engine.lines(session["id"])
        limit = _limit(given)
        url = f"/v1/checkout/sessions/{session['id']}/line_items"
        return _list(lines[:limit], url, more=len(lines) > limit)

    def create_refund(self, call: Call) -> Json:
        """POST /v1/refunds."""
        made = self.engine.refund(call.params, now=call.now, origin=call.origin)
        return self._expanded(made, call.params)

    def retry_event(self, call: Call) -> Json:
        """POST /v1/events/{id}/retry, which is what `stripe events resend` asks."""
        parameters.refuse_unsupported(call.params, {"webhook_endpoint": None})
        return self._shown(self.engine.resend(call.names[0], now=call.now))

    def retrieve(self, call: Call) -> Json:
        """GET of one payment intent, charge, refund or event."""
        kind = call.endpoint.partition(".")[0]
        given = parameters.read(call.endpoint, call.params)
        parameters.refuse_unsupported(given, {"expand": None})
        param = {"payment_intent": "intent", "charge": "charge"}.get(kind, "id")
        return self._expanded(self._shown(self.engine.find(kind, call.names[0], param)), given)

    def list_objects(self, call: Call) -> Json:
        """GET of a list, newest first, in pages."""
        given = parameters.read(call.endpoint, call.params)
        kind = call.endpoint.removesuffix(".list")
        filters = _FILTERS[kind]
        parameters.refuse_unsupported(given, dict.fromkeys([*_PAGING, *filters]))
        if "starting_after" in given and "ending_before" in given:
            raise bad(
                "You may only specify one of these parameters: starting_after, ending_before.",
                None,
                "parameters_exclusive",
            )
        for edge in ("starting_after", "ending_before"):
            if edge in given:
                self.engine.find(kind, given[edge], edge)
        wanted = Wanted(
            limit=_limit(given),
            after=given.get("starting_after"),
            before=given.get("ending_before"),
            span=_span(given.get("created")),
            equal={name: given[name] for name in filters if name in given and name != "types"},
            types=tuple(given.get("types", ())),
        )
        found, more = self.engine.store.page(kind, wanted)
        inner = {"expand": [_inner(path) for path in given.get("expand", [])]}
        shown = [self._expanded(self._shown(one), inner) for one in found]
        return _list(shown, _URLS[kind], more=more)

    def _shown(self, found: Json) -> Json:
        """Give what is known only when asked: a session's page, an event's delivery."""
        if found["object"] == "checkout.session":
            return self.engine.shown(found)
        if found["object"] == "event":
            delivery = self.engine.store.delivery(found["id"])
            waiting = delivery is not None and delivery.state == "waiting"
            return {**found, "pending_webhooks": int(waiting)}
        return found

    def _expanded(self, found: Json, given: Mapping[str, Any]) -> Json:
        """Put objects in the place of their ids, as `expand` asks."""
        for path in given.get("expand", []):
            steps = path.split(".")
            if len(steps) > _DEEPEST_EXPANSION:
                raise bad("You cannot expand more than 4 levels of a property.", "expand")
            found = self._expand(found, steps, path)
        return found

    def _expand(self, found: Json, steps: list[str], path: str) -> Json:
        step, *rest = steps
        kinds = _EXPANDABLE.get(found["object"], {})
        if step not in kinds:
            raise bad(f"This property cannot be expanded ({path}).", "expand")
        if step == "line_items":
            url = f"/v1/checkout/sessions/{found['id']}/line_items"
            return {**found, step: _list(self.engine.lines(found["id"]), url, more=False)}
        if step == "refunds":
            made = self.engine.store.children("refund", found["id"])[::-1]
            return {**found, step: _list(made, f"/v1/charges/{found['id']}/refunds", more=False)}
        inner = found[step]
        if isinstance(inner, str):
            inner = self.engine.find(kinds[step], inner, step)
        if inner is not None and rest:
            inner = self._expand(inner, rest, path)
        return {**found, step: inner}


_PAGING = ("limit", "starting_after", "ending_before", "created", "expand")
_FILTERS: dict[str, tuple[str, ...]] = {
    "checkout.session": ("payment_intent", "status"),
    "payment_intent": (),
    "charge": ("payment_intent",),
    "refund": ("payment_intent", "charge"),
    "event": ("type", "types"),
}
_URLS = {
    "checkout.session": "/v1/checkout/sessions",
    "payment_intent": "/v1/payment_intents",
    "charge": "/v1/charges",
    "refund": "/v1/refunds",
    "event": "/v1/events",
}
_EXPANDABLE = {
    "checkout.session": {"payment_intent": "payment_intent", "line_items": ""},
    "payment_intent": {"latest_charge": "charge"},
    "charge": {"payment_intent": "payment_intent", "refunds": ""},
    "refund": {"charge": "charge", "payment_intent": "payment_intent"},
}
_ID = r"([A-Za-z0-9_]{1,100})"


def _routes() -> Iterator[tuple[str, re.Pattern[str], str, Handler]]:
    sessions = _URLS["checkout.session"]
    yield "POST", re.compile(sessions), "checkout.session.create", Api.create_session
    yield "GET", re.compile(f"{sessions}/{_ID}"), "checkout.session.retrieve", Api.retrieve_session
    yield (
        "POST",
        re.compile(f"{sessions}/{_ID}/expire"),
        "checkout.session.expire",
        Api.expire_session,
    )
    yield (
        "GET",
        re.compile(f"{sessions}/{_ID}/line_items"),
        "checkout.session.line_items",
        Api.list_line_items,
    )
    yield "POST", re.compile(_URLS["refund"]), "refund.create", Api.create_refund
    yield "POST", re.compile(f"{_URLS['event']}/{_ID}/retry"), "event.retry", Api.retry_event
    for kind, url in _URLS.items():
        yield "GET", re.compile(url), f"{kind}.list", Api.list_objects
        if kind != "checkout.session":
            yield "GET", re.compile(f"{url}/{_ID}"), f"{kind}.retrieve", Api.retrieve


_ROUTES = tuple(_routes())


def _key_of(authorization: str) -> str:
    """Give the key of `Bearer KEY` or of Basic authentication with the key as user."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[0]
        except Base64Error:
            return ""
    return ""


def _same_request(kept: Answer, path: str, asked: str, key: str) -> None:
    """Refuse a key that was first used for something else."""
    if kept.endpoint != path:
        raise ApiError(
            "Keys for idempotent requests can only be used for the same endpoint they were first "
            f"used for ('{path}' vs '{kept.endpoint}'). Try using a key other than '{key}' if you "
            "meant to execute a different request.",
            kind="idempotency_error",
        )
    if kept.fingerprint != asked:
        raise ApiError(
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}' if you meant to execute a "
            "different request.",
            kind="idempotency_error",
        )


def _limit(given: Mapping[str, Any]) -> int:
    limit = given.get("limit", 10)
    if not 1 <= limit <= _MOST:
        raise bad(
            f"This value must be between 1 and {_MOST}.", "limit", "parameter_invalid_integer"
        )
    return int(limit)


def _span(created: int | Mapping[str, int] | None) -> tuple[int, int]:
    """Read `created=...` or `created[gte]=...` as a span with both ends."""
    if created is None:
        return 0, 2**62
    if isinstance(created, int):
        return created, created
    low = max(created.get("gte", 0), created.get("gt", -1) + 1)
    high = min(created.get("lte", 2**62), created.get("lt", 2**62 + 1) - 1)
    return low, high


def _inner(path: str) -> str:
    if not path.startswith("data."):
        raise bad(f"This property cannot be expanded ({path}).", "expand")
    return path.removeprefix("data.")


def _list(found: list[Json], url: str, *, more: bool) -> Json:
    return {"object": "list", "data": found, "has_more": more, "url": url}


def _text(body: Json, *, sort: bool = False) -> str:
    return json.dumps(body, ensure_ascii=False, indent=2, sort_keys=sort)
