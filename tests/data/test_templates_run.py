"""Every product of both regions can be recorded to its packs with its template's examples."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

import app.tables  # noqa: F401 -- brings every table into Base.metadata
from app.seeding import SEEDER, take_in_region
from foundation.db import Base, Database, prepare_sqlite
from goods.catalogue.models import Sku
from goods.stock.models import Lot, StockBalance
from parties.network.models import Organisation, Place
from parties.people.permissions import Actor, Grant, Role
from tests.factories.people import NOON, after
from traceability.services.lots import Output, StepEntry, open_lot, record_step

ROOT = Path(__file__).parents[2]
FOLDERS = {"jincheng": ROOT / "data" / "region", "second": ROOT / "tests" / "data" / "region2"}


def read(folder: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found


class Recorder:
    """Records the steps of one product's lots one hour after the other."""

    def __init__(self, session: Session, product: dict[str, Any], places: dict[str, int]) -> None:
        self.session, self.product, self.places = session, product, places
        supplier = session.scalars(
            select(Organisation.id).where(Organisation.code == product["supplier"])
        ).one()
        self.owner = Actor(id=None, grants=(Grant(Role.SUPPLIER_OWNER, organisation_id=supplier),))
        self.hours = 0

    def sku(self, code: str) -> Sku:
        """Find a pack or raw material."""
        return self.session.scalars(select(Sku).where(Sku.code == code)).one()

    def record(self, lot: Lot, step: dict[str, Any], **more: Any) -> None:
        """Record a step with its examples at the first place of the right kind."""
        self.hours += 1
        place = next(self.places[kind] for kind in step["place_kinds"] if kind in self.places)
        entry = StepEntry(
            key=f"{lot.id}:{step['step']}",
            lot_id=lot.id,
            step=step["step"],
            at=NOON - timedelta(days=9) + timedelta(hours=self.hours),
            place_id=more.pop("place_id", place),
            values={e["code"]: e["example"] for e in step["key_data_elements"]},
            **more,
        )
        record_step(self.session, entry, actor=self.owner, now=NOON)

    def held(self, lot: Lot) -> dict[int, int]:
        """Give where a lot lies and how much of it."""
        rows = self.session.execute(
            select(StockBalance.place_id, StockBalance.on_hand).where(
                StockBalance.lot_id == lot.id, StockBalance.on_hand != 0
            )
        )
        return dict(rows.tuples().all())

    def walk(self, steps: list[dict[str, Any]]) -> Lot:
        """Record all the supplier's steps but packing into cases; give the lot of packs."""
        raw = self.product["raw"]
        pack = self.product["skus"][0]
        lot = open_lot(
            self.session,
            sku_id=self.sku(raw["code"]).id,
            lot_no="RAW-1",
            actor=self.owner,
            now=NOON,
        )
        for step in steps:
            if step["by"] != "supplier" or step["event_type"] == "AggregationEvent":
                continue
            if step["applies_to_tracking"] and pack["tracking"] not in step["applies_to_tracking"]:
                continue
            if step["event_type"] == "TransformationEvent":
                lot = self.make(lot, step, pack)
            else:
                self.record(lot, step)
        return lot

    def make(self, lot: Lot, step: dict[str, Any], pack: dict[str, Any]) -> Lot:
        """Make packs of everything that lies there, in the middle of the yield range."""
        [(place, amount)] = self.held(lot).items()
        bounds = step["yield"] or {"min_pct": 100, "max_pct": 100}
        middle = (bounds["min_pct"] + bounds["max_pct"]) / 2
        packs = int(amount * middle / 100 / pack["material_per_unit"]["value"])
        assert packs > 0, (self.product["code"], amount)
        sku = self.sku(pack["code"])
        self.record(
            lot,
            step,
            place_id=place,
            quantity=amount,
            outputs=(Output(sku.id, "PACK-1", packs),),
        )
        assert self.held(lot) == {}
        return self.session.scalars(
            select(Lot).where(Lot.sku_id == sku.id, Lot.lot_no == "PACK-1")
        ).one()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Session]:
    """An installation without a region: the other test databases hold the second one."""
    engine = create_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    prepare_sqlite(engine, begin="BEGIN IMMEDIATE")
    Base.metadata.create_all(engine)
    with Database(engine).transaction() as session:
        yield session
    engine.dispose()


def test_every_template_of_the_first_region_can_be_walked(empty: Session) -> None:
    take_in_region(empty, FOLDERS["jincheng"], now=NOON, actor=SEEDER)
    walk_all(empty, FOLDERS["jincheng"])


def test_every_template_of_the_second_region_can_be_walked(session: Session) -> None:
    take_in_region(session, FOLDERS["second"], now=NOON, actor=SEEDER)
    walk_all(session, FOLDERS["second"])


def walk_all(session: Session, folder: Path) -> None:
    """Record a lot of every product with its template's own examples."""
    places: dict[str, dict[str, int]] = {}
    ids = {place.gln: place.id for place in session.scalars(select(Place))}
    for row in read(folder, "places"):
        places.setdefault(row["organisation"], {}).setdefault(row["kind"], ids[row["gln"]])
    templates = {row["code"]: row["steps"] for row in read(folder, "trace_templates")}
    walked = set()
    for product in read(folder, "products"):
        steps = templates[product["trace_template"]]
        if product["skus"][0]["stock_policy"] == "kit":
            continue
        recorder = Recorder(session, product, places[product["supplier"]])
        lot = recorder.walk(steps)
        assert sum(recorder.held(lot).values()) > 0, product["code"]
        walked.add(product["trace_template"])
    assert walked == set(templates) - {"kit"}


def test_taking_in_a_region_twice_changes_nothing(session: Session) -> None:
    folder = FOLDERS["second"]
    take_in_region(session, folder, now=NOON, actor=SEEDER)
    before = session.scalars(select(Sku.gtin).order_by(Sku.gtin)).all()
    take_in_region(session, folder, now=after(hours=1), actor=SEEDER)
    assert session.scalars(select(Sku.gtin).order_by(Sku.gtin)).all() == before
