"""What a person types to say what is to be recalled: a label's code, or a number known by heart."""

from datetime import date

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotFound
from goods.catalogue.models import Certificate, Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from parties.network.models import Organisation, Outlet, Place
from traceability.recalls.rules import SCOPES, Target
from traceability.scan_codes import Scanned, ScannedKind, read_code

MOST_CODE = 2_000


class UnknownCode(NotFound):
    """Nothing that could be recalled has this code."""

    code = "unknown_code"


def find_target(
    session: Session,
    text: str,
    scope: str | None = None,
    *,
    since: date | None = None,
    until: date | None = None,
) -> Target:
    """Say what `text` names: the label's code, a lot number, GLN, outlet, supplier or paper number.

    With `scope` only things of that kind are looked for. Raises UnknownCode, or BadInput on `code`
    when it names several lots.
    """
    asked = text.strip()
    if not asked or len(asked) > MOST_CODE or "\0" in asked:
        raise BadInput("Please enter a code or a number", field="code")
    if scope is not None and scope not in SCOPES:
        raise BadInput("Please choose what is to be recalled", field="scope")
    found = _scanned(session, asked, scope)
    for kind in (scope,) if scope else ("lot", "supplier", "place", "certificate"):
        if found is None:
            found = _by_number(session, kind, asked)
    if found is None:
        raise UnknownCode("Nothing that could be recalled has the code %(code)s", code=asked[:60])
    bounded = found.scope in {"place", "supplier"}
    return Target(found.scope, found.id, since if bounded else None, until if bounded else None)


def _scanned(session: Session, asked: str, scope: str | None) -> Target | None:
    try:
        code = read_code(asked)
    except BadInput:
        return None
    if code.kind is ScannedKind.ITEM and scope in {None, "item", "lot"}:
        row = session.execute(
            select(Serial.id, Serial.lot_id)
            .join(Sku, Sku.id == Serial.sku_id)
            .where(Sku.gtin == code.gtin, Serial.serial == code.serial)
        ).first()
        if row is not None:
            return Target("lot", row[1]) if scope == "lot" else Target("item", row[0])
    if code.kind in {ScannedKind.ITEM, ScannedKind.LOT} and code.lot and scope in {None, "lot"}:
        return _lot_of(session, code)
    if code.kind is ScannedKind.CASE and scope in {None, "lot"}:
        lot_id = session.scalar(select(LogisticUnit.lot_id).where(LogisticUnit.sscc == code.sscc))
        return Target("lot", lot_id) if lot_id is not None else None
    return None


def _lot_of(session: Session, code: Scanned) -> Target | None:
    lot_id = session.scalar(
        select(Lot.id)
        .join(Sku, Sku.id == Lot.sku_id)
        .where(Sku.gtin == code.gtin, Lot.lot_no == code.lot)
    )
    return Target("lot", lot_id) if lot_id is not None else None


def _by_number(session: Session, scope: str, asked: str) -> Target | None:
    upper = asked.upper()
    queries: dict[str, Select[tuple[int]]] = {
        "lot": select(Lot.id).where(func.upper(Lot.lot_no) == upper).order_by(Lot.id),
        "supplier": select(Organisation.id)
        .where(
            Organisation.role == "supplier",
            (Organisation.code == upper) | (Organisation.uscc == upper),
        )
        .order_by(Organisation.id),
        "place": select(Place.id)
        .outerjoin(Outlet, Outlet.place_id == Place.id)
        .where((Place.gln == _gln(asked)) | (Outlet.code == upper))
        .order_by(Place.id),
        "certificate": select(Certificate.id)
        .where(Certificate.number == asked)
        .order_by(Certificate.id.desc()),
        "item": select(Serial.id).where(Serial.serial == upper).order_by(Serial.id),
    }
    ids = session.scalars(queries[scope].limit(2)).all()
    if len(ids) > 1 and scope in {"lot", "item"}:
        raise BadInput(
            "Several lots have the number %(code)s; scan the label or type its whole code",
            field="code",
            code=asked[:60],
        )
    return Target(scope, ids[0]) if ids else None


def _gln(asked: str) -> str:
    """Give a place's number of whatever names it: 13 digits, (414)…, or …/414/…."""
    digits = asked.rpartition("/414/")[2].removeprefix("(414)").split("?")[0]
    return digits.strip()
