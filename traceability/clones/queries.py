"""Questions to the scans."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import Select, Table, bindparam, case, func, select
from sqlalchemy.orm import Session

from foundation.db import core
from foundation.errors import NotFound
from goods.catalogue.models import Product, Sku
from goods.stock.models import Lot
from parties.network.models import County, Organisation
from traceability.clones.models import Scan, ScanAlarm, ScratchCode
from traceability.clones.rules import (
    GRADES,
    KINDS,
    Facts,
    Finding,
    device_hash,
    gravest_first,
    judge,
    period_of,
)

MOST_SCANS: Final = 500
"""Of one code, newest first, are counted for its page; more are said to be so many and more."""


class Checks(NamedTuple):
    """What earlier scans say about an item, for its page."""

    times: int
    """How often it was scanned before, 500 at the most."""
    others: int
    """How often by other devices than this one."""
    first_at: datetime | None
    mine_at: datetime | None
    """When this device scanned it first."""
    worst: Finding | None
    """What does not fit, gravest: of open alarms and of this very look."""
    scratch: bool
    """Whether there is a code under its coating."""
    proven_at: datetime | None


SCAN: Final = cast(Table, Scan.__table__)
ALARM: Final = cast(Table, ScanAlarm.__table__)
SCRATCH: Final = cast(Table, ScratchCode.__table__)
_NEWEST: Final = (
    select(SCAN.c.at, SCAN.c.device, SCAN.c.state, SCAN.c.period)
    .where(SCAN.c.gtin == bindparam("gtin"), SCAN.c.serial == bindparam("serial"))
    .where(SCAN.c.kind == "item")
    .order_by(SCAN.c.at.desc())
    .limit(MOST_SCANS)
    .subquery("newest")
)
_MINE: Final = _NEWEST.c.device.in_((bindparam("mine"), bindparam("mine_before")))
_OPEN: Final = (
    (ALARM.c.gtin == bindparam("gtin"))
    & (ALARM.c.serial == bindparam("serial"))
    & ALARM.c.closed_at.is_(None)
)
_RANK: Final = case(*[(ALARM.c.grade == one, n) for n, one in enumerate(GRADES)], else_=0) * 100 + (
    case(*[(ALARM.c.kind == one, 50 - n) for n, one in enumerate(KINDS)], else_=0)
)
_COATED: Final = (SCRATCH.c.gtin == bindparam("gtin")) & (SCRATCH.c.serial == bindparam("serial"))
CHECKS: Final = select(
    func.count().label("times"),
    func.count(case((~_MINE, 1))).label("others"),
    func.min(_NEWEST.c.at).label("first_at"),
    func.min(case((_MINE, _NEWEST.c.at))).label("mine_at"),
    func.count(
        case(
            (
                (_NEWEST.c.state == bindparam("state"))
                & (_NEWEST.c.period == bindparam("period"))
                & ~_MINE,
                _NEWEST.c.device,
            )
        ).distinct()
    ).label("devices"),
    select(func.max(_RANK)).where(_OPEN).scalar_subquery().label("rank"),
    select(SCRATCH.c.made_at).where(_COATED).scalar_subquery().label("coated_at"),
    select(SCRATCH.c.verified_at).where(_COATED).scalar_subquery().label("proven_at"),
).select_from(_NEWEST)


def checks_of(
    session: Session,
    gtin: str,
    serial: str,
    state: str,
    *,
    named_lot: str | None,
    cookie: str | None,
    secret: str,
    now: datetime,
) -> Checks:
    """Tell what scans of an item say to whoever looks at its page. One statement."""
    period = period_of(now)
    mine = [
        device_hash(secret, each, cookie, gtin, serial) if cookie else ""
        for each in (period, period - 1)
    ]
    row = (
        core(session)
        .execute(
            CHECKS,
            {
                "gtin": gtin,
                "serial": serial,
                "state": state,
                "period": period,
                "mine": mine[0],
                "mine_before": mine[1],
            },
        )
        .one()
    )
    found = judge(Facts("item", state, row.devices + 1, named_lot=named_lot))
    if row.rank is not None:
        found.append(Finding(KINDS[50 - row.rank % 100], GRADES[row.rank // 100]))
    found = gravest_first(found)
    return Checks(
        row.times,
        row.others,
        row.first_at,
        row.mine_at,
        found[0] if found else None,
        row.coated_at is not None,
        row.proven_at,
    )


@dataclass(frozen=True, slots=True)
class AskedAlarms:
    """Which alarms are asked for."""

    kind: str | None = None
    grade: str | None = None
    supplier: str | None = None
    county: str | None = None
    code: str | None = None
    """A piece of the lot number, serial or GTIN."""
    closed: bool = False


def alarm_rows(asked: AskedAlarms) -> Select[Any]:
    """Select alarms with what they are about, gravest and newest first; the caller limits whose."""
    query = (
        select(
            ScanAlarm.id,
            ScanAlarm.kind,
            ScanAlarm.grade,
            ScanAlarm.gtin,
            ScanAlarm.serial,
            ScanAlarm.times,
            ScanAlarm.figures,
            ScanAlarm.first_at,
            ScanAlarm.last_at,
            ScanAlarm.closed_at,
            ScanAlarm.closed_note,
            ScanAlarm.county_code,
            ScanAlarm.organisation_id,
            Lot.id.label("lot_id"),
            Lot.lot_no,
            Product.name_zh,
            Product.name_en,
            Organisation.code.label("supplier_code"),
            Organisation.short_zh,
            Organisation.short_en,
            County.name_zh.label("owner_zh"),
            County.name_en.label("owner_en"),
        )
        .join(Sku, Sku.gtin == ScanAlarm.gtin)
        .join(Product, Product.id == Sku.product_id)
        .join(Organisation, Organisation.id == ScanAlarm.organisation_id)
        .outerjoin(Lot, Lot.id == ScanAlarm.lot_id)
        .outerjoin(County, County.code == ScanAlarm.county_code)
        .where(ScanAlarm.closed_at.is_not(None) if asked.closed else ScanAlarm.closed_at.is_(None))
        .order_by(_RANK.desc(), ScanAlarm.last_at.desc(), ScanAlarm.id.desc())
    )
    if asked.kind in KINDS:
        query = query.where(ScanAlarm.kind == asked.kind)
    if asked.grade in GRADES:
        query = query.where(ScanAlarm.grade == asked.grade)
    if asked.supplier:
        query = query.where(Organisation.code == asked.supplier)
    if asked.county:
        query = query.where(ScanAlarm.county_code == asked.county)
    if asked.code:
        piece = asked.code.upper()
        query = query.where(
            Lot.lot_no.contains(piece, autoescape=True)
            | ScanAlarm.serial.contains(piece, autoescape=True)
            | ScanAlarm.gtin.contains(piece, autoescape=True)
        )
    return query


def alarm_of(session: Session, alarm_id: int, organisations: Collection[int]) -> ScanAlarm:
    """Give an alarm of one of these suppliers; raise NotFound."""
    found = session.get(ScanAlarm, alarm_id)
    if found is None or found.organisation_id not in organisations:
        raise NotFound("There is no such alarm")
    return found


def open_alarms(session: Session, organisations: Collection[int]) -> int:
    """Count the open alarms of these suppliers that are more than notes."""
    return (
        session.scalar(
            select(func.count())
            .select_from(ScanAlarm)
            .where(
                ScanAlarm.organisation_id.in_(organisations),
                ScanAlarm.closed_at.is_(None),
                ScanAlarm.grade != "info",
            )
        )
        or 0
    )


class AreaCount(NamedTuple):
    """How often codes were scanned in a county; `area` is None where nobody said where."""

    area: str | None
    name_zh: str | None
    name_en: str | None
    item: int
    unknown: int
    foreign: int
    unreadable: int


def scans_by_area() -> Select[Any]:
    """Select, by county, how many scans led to an item and how many nowhere; `since` is bound."""

    def counted(kind: str) -> Any:
        return func.count(case((Scan.kind == kind, 1))).label(kind)

    return (
        select(
            Scan.area,
            County.name_zh,
            County.name_en,
            counted("item"),
            counted("unknown"),
            counted("foreign"),
            counted("unreadable"),
        )
        .outerjoin(County, County.code == Scan.area)
        .where(Scan.at >= bindparam("since", type_=Scan.at.type))
        .group_by(Scan.area, County.name_zh, County.name_en)
        .order_by(func.count(case((Scan.kind != "item", 1))).desc(), Scan.area)
    )
