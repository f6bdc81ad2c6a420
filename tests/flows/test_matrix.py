"""Every address, every role, somebody else's object: who gets how far."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from foundation.clock import business_date
from foundation.db import Database
from foundation.files import keep
from foundation.outbox import OutboxMessage
from goods.catalogue.services import PAPER_ON_FILE, NewPaper, add_certificate
from parties.network.models import Organisation, Outlet
from parties.people.models import ApiToken, SignIn
from parties.people.permissions import ROLES, SCOPED_BY, SYSTEM, Can, Grant, Role
from parties.people.services.tokens import issue_token
from tests.databases import NOW
from tests.factories import World, actor, in_cases, make_lot, on_shelf, send
from tests.factories.people import new_account, sign_in_as
from tests.trade.orders.world import paid, parcel_of, shop
from traceability.balance.models import Discrepancy
from traceability.balance.services import note_discrepancy
from traceability.clones.models import ScanAlarm
from traceability.clones.services import note_scan
from traceability.digital_link import ItemCode
from traceability.log import notes
from traceability.log.services import add_witness
from traceability.models import Shipment, TraceEvent
from traceability.printing.services import Printing, print_labels
from traceability.recalls.services import recall_lot
from traceability.resolver.services import LinkEntry, Whereabouts, register_link
from trade.orders.models import Refund
from trade.orders.services.endings import cancel_order
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale

REFUSED = {400, 403, 404, 409}
HIDDEN = {403, 404}
OPEN = {200, 301, 302, 303, 304, 307, 308, 400, 401, 404, 409}


@dataclass
class Matrix:
    """Objects of one supplier, counter, county and buyer; and two of everybody: owner, stranger."""

    web: Flask
    database: Database
    values: dict[str, object]
    own: dict[Role, int]
    strangers: dict[Role, int]
    secrets: tuple[str, ...]
    """Words that stand on nobody's page but the owner's."""

    def browser(self, account_id: int | None) -> FlaskClient:
        """Give a browser in which an account, or nobody, is signed in."""
        client = self.web.test_client()
        if account_id is not None:
            sign_in_as(client, self.database, account_id)
        return client

    def address(self, rule: Rule) -> str:
        """Fill a rule's parameters in with the owners' objects."""
        return address(self.web, rule, self.values)


def address(web: Flask, rule: Rule, values: dict[str, object]) -> str:
    """Build an address; a parameter that nobody registered fails the test."""
    filled = {}
    for name in rule.arguments:
        key = name
        for candidate in (f"{rule.endpoint}.{name}", f"{rule.endpoint.split('.')[0]}.{name}"):
            if candidate in values:
                key = candidate
        assert key in values, f"{rule.rule}: register {name!r} in tests/flows/test_matrix.py"
        filled[name] = values[key]
    with web.test_request_context():
        return web.url_map.bind("localhost").build(rule.endpoint, filled)


def grant_of(role: Role, organisation_id: int, place_id: int, county_code: str) -> Grant:
    """Give a grant limited as its role must be."""
    limits: dict[str, Any] = {
        "organisation_id": organisation_id,
        "place_id": place_id,
        "county_code": county_code,
    }
    limit = SCOPED_BY[role]
    return Grant(role, **({limit: limits[limit]} if limit else {}))


def people(session: Session, whose: str, **limits: Any) -> dict[Role, int]:
    """Open an account for every role."""
    return {
        role: new_account(session, grant_of(role, **limits), email=f"{whose}-{role}@example.com").id
        for role in Role
    }


def homepage_of(session: Session, w: World) -> int:
    """Set a link for the product's code."""
    entry = LinkEntry((("01", w.sku.gtin),), "homepage", "https://a.example.org/", "主页")
    where = Whereabouts("localhost", demo=False)
    return register_link(session, entry, where=where, actor=w.owner, now=NOW).id


@pytest.fixture
def matrix(web: Flask, database: Database, tmp_path: Path) -> Matrix:
    """Let everything that has an address exist once, in one supplier's and one counter's hands."""
    with database.transaction() as session:
        s = shop(session)
        w = s.w
        order = paid(s)
        parcel = parcel_of(session, order)
        called_off = paid(s, packs=1, key="checkout-2")
        cancel_order(session, called_off.id, actor=s.buyer, now=NOW)
        lot, serials = on_shelf(w)
        jar = serials[0]
        made = record_sale(
            session,
            Ticket(
                key="matrix-sale-1",
                place_id=w.outlet.place_id,
                channel="counter",
                sold_at=NOW,
                items=(Item(w.sku.gtin, 1, serial=jar.serial),),
                tenders=(Paid("cash", w.sku.price_fen, w.sku.price_fen, ""),),
            ),
            actor=w.clerk,
            now=NOW,
        )
        unit, _kept = in_cases(w, lot, cases=2, per_case=6)
        send(w, [unit], w.outlet.place_id)
        printing = print_labels(
            session, Printing(lot.id, "a4-3x8", count=6), actor=w.owner, now=NOW
        )
        file_key = keep(tmp_path / "files", b"%PDF-1.4 a paper").key
        paper = add_certificate(
            session,
            NewPaper(
                w.supplier.id,
                min(PAPER_ON_FILE),
                "P-1",
                "示例机构",
                business_date(NOW),
                file_key=file_key,
            ),
            actor=w.owner,
            now=NOW,
        )
        letter = OutboxMessage(
            kind="SaleRecorded",
            payload={},
            told_at=NOW,
            next_at=NOW,
            attempts=8,
            dead_at=NOW,
            last_error="ValueError",
        )
        session.add(letter)
        other_org = session.scalars(
            select(Organisation.id).where(Organisation.id != w.supplier.id)
        ).first()
        here = session.scalars(select(Outlet).where(Outlet.place_id == w.outlet.place_id)).one()
        other = session.scalars(
            select(Outlet)
            .where(Outlet.county_code != here.county_code, Outlet.tier == "counter")
            .where(Outlet.county_code != w.product.county_code)
            .order_by(Outlet.code.desc())
        ).first()
        assert other is not None
        assert other_org is not None
        own = people(
            session,
            "own",
            organisation_id=w.supplier.id,
            place_id=here.place_id,
            county_code=w.product.county_code,
        )
        own[Role.CONSUMER] = s.buyer.id or 0
        strangers = people(
            session,
            "other",
            organisation_id=other_org,
            place_id=other.place_id,
            county_code=other.county_code,
        )
        issue_token(
            session,
            own[Role.SUPPLIER_OWNER],
            "a token",
            actor=actor(
                Role.SUPPLIER_OWNER,
                account_id=own[Role.SUPPLIER_OWNER],
                organisation_id=w.supplier.id,
            ),
            now=NOW,
        )
        gone = make_lot(w, packs=2)
        recalled = recall_lot(
            session, lot_id=gone.id, reason_zh="抽检", reason_en="", actor=w.official, now=NOW
        )
        note_discrepancy(
            session,
            "booked_late",
            lot_id=lot.id,
            place_id=w.outlet.place_id,
            event_id=session.scalars(select(TraceEvent.id)).first(),  # type: ignore[arg-type]
            quantity=1,
            now=NOW,
        )
        vkey = notes.new_key("witness.example/w1").verifier.text
        witness = add_witness(session, vkey, actor=SYSTEM, now=NOW)
        session.flush()
        shipment = session.scalars(select(Shipment).order_by(Shipment.id.desc())).first()
        assert shipment is not None
        values: dict[str, object] = {
            "lot_id": lot.id,
            "sku_id": w.sku.id,
            "product_id": w.product.id,
            "paper_id": paper.id,
            "print_id": printing.id,
            "shipment_id": shipment.id,
            "parcel_id": parcel.id,
            "message_id": letter.id,
            "witness_id": witness.id,
            "recall_id": recalled.id,
            "discrepancy_id": session.scalars(select(Discrepancy.id)).first(),
            "alarm_id": odd_scan(session, w.sku.gtin),
            "refund_id": session.scalars(select(Refund.id)).one(),
            "link_id": homepage_of(session, w),
            "token_id": session.scalars(select(ApiToken.id)).first(),
            "sign_in_id": 1,
            "sale_id": made.id,
            "number": order.number,
            "kind": "svg",
            "name": "returns",
            "filename": "css/base.css",
            "rest": "nothing/here",
            "epc": "30164596f40c0e5cbe991a83",
            "gtin": w.sku.gtin,
            "lot": lot.lot_no,
            "serial": jar.serial,
            "sscc": unit.sscc,
            "slug": here.slug,
            "code": here.code,
            "shop.code": w.product.code,
            "shop.category.code": w.product.category_code,
            "shop.county.code": w.product.county_code,
            "shop.places.code": "14",
            "admin.supplier.code": w.supplier.code,
            "admin.set_product.code": w.product.code,
            "county_code": w.product.county_code,
            "event_uri": "urn:uuid:00000000-0000-4000-8000-000000000000",
            "capture_id": "00000000-0000-4000-8000-000000000000",
            "epcis_value": "shipping",
            "query_name": "all",
            "subscription_id": "00000000-0000-4000-8000-000000000000",
        }
        secrets = (lot.lot_no, order.number, parcel.id.hex)
    for account_id in own.values():
        sign_in_as(web.test_client(), database, account_id)
    with database.reading() as session:
        values["sign_in_id"] = session.scalars(
            select(SignIn.id).where(SignIn.account_id == own[Role.CONSUMER])
        ).first()
    return Matrix(web, database, values, own, strangers, secrets)


def odd_scan(session: Session, gtin: str) -> int:
    """Let somebody scan a number that was never given; give the alarm."""
    code = ItemCode(gtin, serial="NOTOURS")
    note_scan(session, code, cookie="c" * 22, secret="matrix", area=None, now=NOW)
    return session.scalars(select(ScanAlarm.id)).one()


@contextmanager
def writes(database: Database) -> Iterator[list[str]]:
    """Collect every statement that changes a row."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if sql.lstrip().split(" ", 1)[0].upper() in {"INSERT", "UPDATE", "DELETE"}:
            seen.append(sql)

    event.listen(database.bind, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.bind, "before_cursor_execute", note)


def routes(web: Flask) -> list[tuple[Rule, str, object]]:
    """Every rule with each method that it takes, and its guard."""
    return [
        (rule, method, web.view_functions[rule.endpoint].__dict__["guard"])
        for rule in sorted(web.url_map.iter_rules(), key=lambda rule: rule.rule)
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
    ]


def ask(
    matrix: Matrix, browser: FlaskClient, rule: Rule, method: str
) -> tuple[TestResponse, str, list[str]]:
    """Ask for an address: the answer, what to say of it, and what it wrote."""
    with writes(matrix.database) as written:
        answer = browser.open(matrix.address(rule), method=method)
    return answer, f"{method} {rule.rule}: {answer.status_code} {written[:1]}", written


def permits(role: Role, guard: object) -> bool:
    """Tell whether an address lets a role in at all."""
    return guard == "signed_in" or (isinstance(guard, Can) and guard in ROLES[role])


def test_a_visitor_gets_nowhere_that_is_guarded(matrix: Matrix) -> None:
    visitor, faults = matrix.browser(None), []
    for rule, method, guard in routes(matrix.web):
        if guard == "open":
            continue
        answer, told, written = ask(matrix, visitor, rule, method)
        to_sign_in = answer.status_code == 302 and "/signin" in answer.location
        if written or not (answer.status_code == 401 or (method == "GET" and to_sign_in)):
            faults.append(told)
    assert faults == []


def test_a_role_without_the_permission_is_refused_and_changes_nothing(matrix: Matrix) -> None:
    faults = []
    for role, account_id in matrix.own.items():
        somebody = matrix.browser(account_id)
        for rule, method, guard in routes(matrix.web):
            if not isinstance(guard, Can) or guard in ROLES[role]:
                continue
            answer, told, written = ask(matrix, somebody, rule, method)
            if written or answer.status_code != 403:
                faults.append(f"{role} {told}")
    assert faults == []


def test_nobody_reaches_the_objects_of_others(matrix: Matrix) -> None:
    faults = []
    for role in LIMITED:
        stranger = matrix.browser(matrix.strangers[role])
        for rule, method, guard in routes(matrix.web):
            if not rule.arguments or not permits(role, guard):
                continue
            answer, told, written = ask(matrix, stranger, rule, method)
            hidden = HIDDEN if method == "GET" else REFUSED
            if rule.endpoint.startswith(("counters_api.", "epcis.")):
                hidden = {401}  # a cookie does not count there
            page = answer.text.replace(matrix.address(rule), "")
            shown = [one for one in matrix.secrets if one in page]
            if written or shown or answer.status_code not in hidden:
                faults.append(f"{role} {told} {shown}")
    assert faults == []


def test_lists_show_nobody_the_objects_of_others(matrix: Matrix) -> None:
    faults = []
    for role in LIMITED:
        stranger = matrix.browser(matrix.strangers[role])
        for rule, method, guard in routes(matrix.web):
            if method == "POST" or rule.arguments or not permits(role, guard):
                continue
            if rule.endpoint.startswith("epcis."):
                continue  # it takes tokens only; see tests/traceability/partners/test_scope.py
            answer, told, written = ask(matrix, stranger, rule, method)
            shown = [one for one in matrix.secrets if one in answer.text]
            if written or shown or answer.status_code >= 400:
                faults.append(f"{role} {told} {shown}")
    assert faults == []


def test_reading_never_writes_never_breaks_and_shows_owners_their_own(matrix: Matrix) -> None:
    faults = []
    for role, account_id in matrix.own.items():
        owner = matrix.browser(account_id)
        for rule, method, guard in routes(matrix.web):
            if method == "POST" or rule.endpoint == "static":
                continue
            answer, told, written = ask(matrix, owner, rule, method)
            mine = isinstance(guard, Can) and guard in ROLES[role]
            if written or answer.status_code not in OPEN | {403}:
                faults.append(f"{role} {told}")
            elif mine and answer.status_code >= 400:
                faults.append(f"{role} {told} is their own")
    assert faults == []


def test_no_form_is_ever_a_fault(matrix: Matrix) -> None:
    faults = []
    odd = {"key": "x" * 200, "code": "\0", "sku": "٣", "quantity": "9" * 30, "at": "never"}
    accounts: list[int | None] = [None, *matrix.own.values()]
    for account_id in accounts:
        somebody = matrix.browser(account_id)
        for rule, method, _guard in routes(matrix.web):
            if method != "POST" or rule.endpoint in ENDS_THE_SESSION:
                continue
            for sent in ({}, odd):
                answer = somebody.post(matrix.address(rule), data=sent)
                if answer.status_code >= 500:
                    faults.append(f"{account_id} {rule.rule} {sorted(sent)}: {answer.status_code}")
    assert faults == []


LIMITED = [role for role in Role if SCOPED_BY[role] or role is Role.CONSUMER]
"""Roles that see a part of the region only."""
ENDS_THE_SESSION = {"people.sign_out", "people.sign_out_everywhere", "people.close"}


def test_unknown_ids_are_not_there(matrix: Matrix) -> None:
    nothing: dict[str, object] = dict.fromkeys(matrix.values, "zz-0")
    nothing |= {n: 999_999_999 for n in matrix.values if n.endswith("_id")}
    nothing |= {"parcel_id": NOTHING, "sale_id": NOTHING, "sscc": "1" * 18, "kind": "svg"}
    faults = []
    for role, account_id in matrix.own.items():
        somebody = matrix.browser(account_id)
        for rule, method, guard in routes(matrix.web):
            if (
                method == "POST"
                or not rule.arguments
                or rule.endpoint.startswith(("trace.", "epcis."))
            ):
                continue
            if guard == "open" or permits(role, guard):
                where = address(matrix.web, rule, nothing)
                answer = somebody.get(where)
                if answer.status_code not in HIDDEN:
                    faults.append(f"{role} {where}: {answer.status_code}")
    assert faults == []


NOTHING = UUID("00000000-0000-4000-8000-000000000000")
