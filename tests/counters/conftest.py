"""A counter with honey by the piece and millet by the lot, and whoever works there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from foundation import clock
from foundation.db import Base, Database
from goods.catalogue.models import Product, Sku
from goods.stock.models import Lot, Serial, StockMove
from parties.network.models import Organisation, Outlet
from parties.people.passwords import use_profile
from parties.people.permissions import Grant, Role
from tests.factories import World, actor, on_shelf, world
from tests.factories.people import new_account, sign_in_as
from traceability.digital_link import ItemCode, build_uri
from traceability.models import TraceEvent
from trade.ledger.models import Transfer
from trade.sales.models import Sale, SaleLine, Tender

HOST = "https://shanhuo.example"
WRITTEN = (Sale, SaleLine, Tender, Transfer, StockMove, TraceEvent)


@pytest.fixture(autouse=True)
def _cheap_passwords() -> None:
    use_profile("test")


def kind(w: World, code: str) -> World:
    """The same world, looking at another product's first pack."""
    session = w.session
    product = session.scalars(select(Product).where(Product.code == code)).one()
    packs = select(Sku).where(Sku.product_id == product.id).order_by(Sku.raw, Sku.sort, Sku.id)
    skus = session.scalars(packs).all()
    supplier = session.get_one(Organisation, product.supplier_id)
    return replace(
        w,
        product=product,
        sku=skus[0],
        raw=skus[-1],
        supplier=supplier,
        owner=actor(Role.SUPPLIER_OWNER, account_id=901, organisation_id=supplier.id),
    )


@dataclass
class Counter:
    """One counter, its goods, and the accounts of its clerk and manager."""

    database: Database
    outlet: Outlet
    other: Outlet
    clerk: int
    manager: int
    stranger: int
    honey: Sku
    honey_name: str
    lot: Lot
    jars: list[Serial]
    millet: Sku
    millet_lot: Lot
    now: datetime

    def jar(self, n: int = 0) -> str:
        """Give what the label of the `n`th jar says."""
        return self.code_of(self.honey, self.lot, self.jars[n])

    @staticmethod
    def code_of(sku: Sku, lot: Lot, serial: Serial | None = None) -> str:
        """Give what the label of a pack or a lot says."""
        code = ItemCode(sku.gtin, lot.lot_no, serial.serial if serial else None)
        return build_uri(HOST, code)

    def sale(self, *jars: int, key: str = "till-test-0001", **changes: Any) -> dict[str, Any]:
        """A sale of some jars, paid in cash to the fen."""
        total = self.honey.price_fen * len(jars)
        return {
            "key": key,
            "sold_at": self.now.isoformat(),
            "items": [{"code": self.jar(n), "price_fen": self.honey.price_fen} for n in jars],
            "tenders": [{"kind": "cash", "amount_fen": total, "received_fen": total}],
        } | changes

    @property
    def url(self) -> str:
        """Give the counter's address."""
        return f"/till/{self.outlet.code}"

    def written(self) -> list[int]:
        """Count the rows of everything that a sale or a receiving writes."""
        with self.database.reading() as session:
            return [rows_of(session, table) for table in WRITTEN]


def rows_of(session: Session, table: type[Base]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def make_counter(database: Database) -> Counter:
    now = clock.now()
    with database.transaction() as session:
        w = world(session)
        lot, jars = on_shelf(w, packs=6, now=now)
        m = kind(w, "Q02")
        millet_lot, _ = on_shelf(m, packs=10, now=now)
        other = session.scalars(
            select(Outlet)
            .where(Outlet.tier == "counter", Outlet.status == "open", Outlet.code > w.outlet.code)
            .order_by(Outlet.code)
        ).first()
        assert other is not None

        def staff(role: Role, place_id: int, name: str) -> int:
            grant = Grant(role, place_id=place_id)
            account = new_account(session, grant, email=f"{name}@example.com", display_name=name)
            return account.id

        return Counter(
            database,
            w.outlet,
            other,
            clerk=staff(Role.COUNTER_CLERK, w.outlet.place_id, "clerk"),
            manager=staff(Role.OUTLET_MANAGER, w.outlet.place_id, "manager"),
            stranger=staff(Role.COUNTER_CLERK, other.place_id, "stranger"),
            honey=w.sku,
            honey_name=w.product.name_zh,
            lot=lot,
            jars=jars,
            millet=m.sku,
            millet_lot=millet_lot,
            now=now,
        )


@pytest.fixture
def counter(database: Database) -> Counter:
    return make_counter(database)


Story = Callable[..., World]


@contextmanager
def story(counter: Counter, code: str = "Q01") -> Iterator[World]:
    """Let more happen at the counter, through the verbs."""
    with counter.database.transaction() as session:
        w = world(session)
        yield w if code == "Q01" else kind(w, code)


def aged(
    counter: Counter, code: str, *, days: int, packs: int = 4
) -> tuple[Sku, Lot, Serial | None]:
    """Put a lot on the shelf that was made so many days ago."""
    with story(counter, code) as w:
        lot, serials = on_shelf(w, packs=packs, now=counter.now - timedelta(days=days))
        return w.sku, lot, serials[0] if serials else None


@pytest.fixture
def clerk(web: Flask, database: Database, counter: Counter) -> FlaskClient:
    browser = web.test_client()
    sign_in_as(browser, database, counter.clerk)
    return browser


@pytest.fixture
def manager(web: Flask, database: Database, counter: Counter) -> FlaskClient:
    browser = web.test_client()
    sign_in_as(browser, database, counter.manager)
    return browser


@pytest.fixture
def stranger(web: Flask, database: Database, counter: Counter) -> FlaskClient:
    browser = web.test_client()
    sign_in_as(browser, database, counter.stranger)
    return browser


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect the SQL that is sent meanwhile."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            seen.append(sql)

    event.listen(database.bind, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.bind, "before_cursor_execute", note)


def new_key() -> str:
    return f"till-{uuid4().hex}"
