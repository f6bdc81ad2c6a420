"""Recalls reach everything that was made from a lot, and stop its sale at once."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotAllowed, NotFound, Refused
from goods.stock.models import Hold, Lot
from goods.stock.queries import holds_on
from goods.stock.services import shelf
from parties.network.models import Place
from parties.people.permissions import Role
from tests.databases import NOW
from tests.factories import World, actor, make_lot, on_shelf
from tests.traceability.ledger import held, refused
from traceability.models import EventLot, Recall, TraceEvent
from traceability.recalls.queries import lots_under_recall
from traceability.recalls.rules import AlreadyRecalled
from traceability.recalls.services import recall_lot


def recall(w: World, lot_id: int, **more: object) -> Recall:
    given = {"reason_zh": "农残超标", "reason_en": "Residues", "actor": w.official} | more
    return recall_lot(w.session, lot_id=lot_id, now=NOW, **given)  # type: ignore[arg-type]


def test_a_recall_of_the_raw_material_holds_every_pack_made_from_it(w: World) -> None:
    lot, _serials = on_shelf(w, packs=6)
    raw = w.session.scalars(select(Lot).where(Lot.lot_no == f"R{lot.lot_no}")).one()
    other = make_lot(w, packs=3)
    before = held(w.session, lot.id)
    made = recall(w, raw.id)
    assert {each.id for each in lots_under_recall(w.session)} == {raw.id, lot.id}
    assert {h.lot_id for h in holds_on(w.session, lot_ids=[raw.id, lot.id, other.id])} == {
        *(raw.id, lot.id),
    }
    assert held(w.session, lot.id) == before
    assert made.number == "ZH2026-001"
    event = w.session.get_one(TraceEvent, made.event_id)
    assert (event.biz_step, event.disposition) == ("holding", "recalled")
    rows = w.session.scalars(select(EventLot).where(EventLot.event_id == event.id)).all()
    assert {row.lot_id: (row.quantity, row.whole_lot) for row in rows} == {
        raw.id: (sum(held(w.session, raw.id).values()), True),
        lot.id: (12, True),
    }


def test_what_is_recalled_is_on_no_shelf(w: World) -> None:
    lot, _serials = on_shelf(w, packs=6)
    on_sale = shelf(w.session, [w.sku.id], [w.outlet.place_id], today=NOW.date())
    assert [free.free for free in on_sale] == [6]
    recall(w, lot.id)
    assert shelf(w.session, [w.sku.id], [w.outlet.place_id], today=NOW.date()) == []


def test_a_recall_needs_a_reason_and_is_made_once(w: World) -> None:
    lot = make_lot(w, packs=2)
    with refused(w.session, BadInput, "reason_zh"):
        recall(w, lot.id, reason_zh="  ")
    recall(w, lot.id, reason_en="")
    assert w.session.scalars(select(Recall)).one().reason_en == "农残超标"
    with refused(w.session, AlreadyRecalled):
        recall(w, lot.id)


@pytest.mark.parametrize("role", [Role.SUPPLIER_OWNER, Role.COUNTER_CLERK, Role.AUDITOR])
def test_those_who_may_not_recall_do_not(w: World, role: Role) -> None:
    lot = make_lot(w, packs=2)
    who = actor(role, organisation_id=w.supplier.id, place_id=w.outlet.place_id)
    with refused(w.session, NotAllowed):
        recall(w, lot.id, actor=who)


def test_an_official_recalls_within_the_county_only(w: World) -> None:
    lot = make_lot(w, packs=2)
    with refused(w.session, NotAllowed):
        recall(w, lot.id, actor=actor(Role.COUNTY_OFFICIAL, county_code="990199"))
    own = actor(Role.COUNTY_OFFICIAL, county_code=w.supplier.county_code)
    assert recall(w, lot.id, actor=own).lot_id == lot.id


def test_an_unknown_lot_is_not_recalled(w: World) -> None:
    with refused(w.session, NotFound):
        recall(w, 99_999)


def test_a_recall_is_recorded_at_a_place_of_the_supplier(w: World, session: Session) -> None:
    lot = make_lot(w, packs=2)
    home = session.scalar(select(Place).where(Place.organisation_id == w.supplier.id))
    assert home is not None
    for place in session.scalars(select(Place).where(Place.organisation_id == w.supplier.id)):
        place.organisation_id = w.outlet.operator_id
    session.flush()
    with refused(session, Refused):
        recall(w, lot.id)
    assert session.scalars(select(Hold)).all() == []
