"""What a supplier is owed, told from the ledger: statements, and the sales behind each line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from foundation.paging import Page, page_of
from parties.network.models import Organisation, Outlet
from parties.network.queries import organisation
from parties.people.permissions import Actor, Can, Scope
from trade.ledger.models import LedgerAccount, Transfer
from trade.sales.models import Sale
from trade.settlement.rules import Column, column_of, read_period


@dataclass(frozen=True, slots=True)
class Statement:
    """One supplier's account over a period, both days included; amounts in fen.

    Above nought is owed to the supplier. `goods` and `shipping` are what it earned,
    `commission` what the platform kept (below nought), `refunds` what was taken back for goods
    returned or damaged, with its part of the commission (below nought).
    """

    supplier_id: int
    since: date
    until: date
    opening_fen: int
    goods_fen: int
    commission_fen: int
    shipping_fen: int
    refunds_fen: int
    payouts_fen: int
    closing_fen: int
    sales: int
    """How many sales the period's lines lead to."""


class StatementLine(NamedTuple):
    """What one sale or one refund did to the supplier's account; amounts in fen, signed."""

    business_date: date
    cause_type: str
    """`sale` or `refund`."""
    cause_id: str
    """The sale's or the refund's UUID."""
    sale_number: str | None
    channel: str | None
    order_number: str | None
    outlet_zh: str | None
    outlet_en: str | None
    goods_fen: int
    commission_fen: int
    shipping_fen: int

    @property
    def net_fen(self) -> int:
        """Give what this line added to the account."""
        return self.goods_fen + self.commission_fen + self.shipping_fen


def payable(session: Session, supplier_id: int, *, actor: Actor) -> int:
    """Give what is owed to a supplier now (fen): credited less debited."""
    _must_see(session, supplier_id, actor)
    return _sum(session, _entries(supplier_id))


def statement_of(
    session: Session, supplier_id: int, *, since: date, until: date, actor: Actor
) -> Statement:
    """Give a supplier's statement from `since` to `until`, both days included.

    The supplier's owner sees it, officials within their county, operators and auditors. Raises
    NotFound, NotAllowed, BadInput for a period that is turned round or too long.
    """
    _must_see(session, supplier_id, actor)
    read_period(since, until)
    entries = _entries(supplier_id)
    opening = _sum(session, entries.where(Transfer.business_date < since))
    within = entries.where(Transfer.business_date.between(since, until)).subquery()
    rows = session.execute(
        select(within.c.cause_type, within.c.kind, func.sum(within.c.signed_fen)).group_by(
            within.c.cause_type, within.c.kind
        )
    )
    sums: dict[Column, int] = dict.fromkeys(
        ("goods", "commission", "shipping", "refunds", "payouts"), 0
    )
    for cause_type, kind, amount in rows:
        sums[column_of(cause_type, kind)] += int(amount)
    sales = session.scalar(
        select(func.count(within.c.cause_id.distinct())).where(within.c.cause_type == "sale")
    )
    return Statement(
        supplier_id,
        since,
        until,
        opening_fen=opening,
        goods_fen=sums["goods"],
        commission_fen=sums["commission"],
        shipping_fen=sums["shipping"],
        refunds_fen=sums["refunds"],
        payouts_fen=sums["payouts"],
        closing_fen=opening + sum(sums.values()),
        sales=sales or 0,
    )


def statement_lines(
    session: Session,
    supplier_id: int,
    *,
    since: date,
    until: date,
    page: int = 1,
    size: int = 50,
    actor: Actor,
) -> Page:
    """Give a page of StatementLine, newest day first: each sale and refund of the period once."""
    _must_see(session, supplier_id, actor)
    read_period(since, until)
    within = _entries(supplier_id).where(Transfer.business_date.between(since, until)).subquery()

    def total(kind: str) -> ColumnElement[int]:
        return func.sum(case((within.c.kind == kind, within.c.signed_fen), else_=0))

    per_cause = (
        select(
            func.max(within.c.business_date).label("day"),
            within.c.cause_type,
            within.c.cause_id,
            total("goods").label("goods"),
            total("commission").label("commission"),
            total("shipping").label("shipping"),
            func.max(within.c.id).label("last"),
        )
        .group_by(within.c.cause_type, within.c.cause_id)
        .order_by(func.max(within.c.business_date).desc(), func.max(within.c.id).desc())
    )
    found = page_of(session, per_cause, number=page, size=size)
    told = _sales(session, [row.cause_id for row in found.items if row.cause_type == "sale"])
    lines = [
        StatementLine(
            row.day,
            row.cause_type,
            row.cause_id,
            *told.get(row.cause_id, NOTHING_TOLD),
            int(row.goods),
            int(row.commission),
            int(row.shipping),
        )
        for row in found.items
    ]
    return Page(lines, found.number, found.size, found.total)


def suppliers_seen(session: Session, *, actor: Actor) -> Sequence[Organisation]:
    """Give the suppliers whose statements the actor may see, by code."""
    query = select(Organisation).where(Organisation.role == "supplier").order_by(Organisation.code)
    if not any(actor.can(can) for can in OVERSEERS):
        query = query.where(Organisation.id.in_(actor.organisations(Can.SEE_STATEMENT)))
    return [one for one in session.scalars(query) if _may_see(one, actor)]


OVERSEERS = (Can.SEE_DASHBOARD, Can.REFUND, Can.SEE_AUDIT)


class Told(NamedTuple):
    """What a statement says of a sale."""

    sale_number: str | None
    channel: str | None
    order_number: str | None
    outlet_zh: str | None
    outlet_en: str | None


NOTHING_TOLD = Told(None, None, None, None, None)


def _sales(session: Session, sale_ids: Sequence[str]) -> dict[str, Told]:
    rows = session.execute(
        select(Sale.id, Sale.number, Sale.channel, Sale.order_ref, Outlet.name_zh, Outlet.name_en)
        .join(Outlet, Outlet.place_id == Sale.place_id)
        .where(Sale.id.in_([UUID(one) for one in sale_ids]))
    )
    return {str(row[0]): Told(row[1], row[2], row[3], row[4], row[5]) for row in rows}


def _entries(supplier_id: int) -> Select[tuple[int, date, str, str, str, int]]:
    """Select a supplier's transfers with signs: credited above nought, debited below."""
    account = (
        select(LedgerAccount.id)
        .where(LedgerAccount.code == f"supplier:{supplier_id}")
        .scalar_subquery()
    )
    signed = case((Transfer.credit_id == account, Transfer.amount_fen), else_=-Transfer.amount_fen)
    return select(
        Transfer.id,
        Transfer.business_date,
        Transfer.cause_type,
        Transfer.cause_id,
        Transfer.kind,
        signed.label("signed_fen"),
    ).where((Transfer.credit_id == account) | (Transfer.debit_id == account))


def _sum(session: Session, entries: Select[tuple[int, date, str, str, str, int]]) -> int:
    rows = entries.subquery()
    return int(session.scalar(select(func.coalesce(func.sum(rows.c.signed_fen), 0))) or 0)


def _must_see(session: Session, supplier_id: int, actor: Actor) -> None:
    supplier = organisation(session, supplier_id)
    if not _may_see(supplier, actor):
        actor.must(Can.SEE_STATEMENT, Scope(supplier.id, None, supplier.county_code))


def _may_see(supplier: Organisation, actor: Actor) -> bool:
    scope = Scope(supplier.id, None, supplier.county_code)
    return any(actor.can(can, scope) for can in (Can.SEE_STATEMENT, *OVERSEERS))
