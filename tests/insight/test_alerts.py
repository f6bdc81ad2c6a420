"""What is told to need attention, and to whom."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import NotAllowed, NotFound
from foundation.outbox import OutboxMessage, publish
from goods.catalogue.models import Certificate, Product
from insight.alerts.discrepancies import discrepancies
from insight.alerts.queries import (
    dated_lots,
    dead_letter_count,
    missing_by_product,
    papers_due,
    recalls,
    unpapered,
)
from insight.alerts.rules import missing_papers, near_expiry, warning_band
from insight.alerts.services import revive_message
from insight.reach import EVERYWHERE, NOWHERE, Reach, reach_of
from parties.people.models import AuditEntry
from parties.people.permissions import NOBODY, Actor, Grant, Role
from tests.factories import NOW, World, actor, on_shelf, world
from tests.insight.trading import bare_lot, outlet, sell
from traceability.balance.services import settle_discrepancy
from traceability.recalls.services import recall_lot
from trade.sales.messages import SaleRecorded
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale

TODAY = clock.business_date(NOW)
FAR = Reach(frozenset({"990123"}))


@pytest.mark.parametrize(
    ("produced", "best_before", "near"),
    [
        (date(2026, 1, 1), date(2026, 12, 20), True),  # 30 days left of 353
        (date(2025, 11, 20), date(2027, 11, 20), False),  # half its life
        (date(2024, 12, 1), date(2027, 6, 1), True),  # under a third
        (None, date(2027, 6, 1), False),
        (None, date(2026, 12, 19), True),
        (date(2026, 1, 1), date(2026, 11, 19), False),  # past, and so no longer near
        (date(2026, 1, 1), None, False),
    ],
)
def test_goods_are_near_expiry_in_the_last_third_of_their_life_or_month(
    produced: date | None, best_before: date | None, *, near: bool
) -> None:
    assert near_expiry(produced, best_before, TODAY) is near


@pytest.mark.parametrize(
    ("days", "band"), [(-1, 0), (0, 7), (7, 7), (8, 30), (30, 30), (31, 90), (90, 90), (91, None)]
)
def test_papers_are_warned_of_ninety_thirty_and_seven_days_ahead(
    days: int, band: int | None
) -> None:
    assert warning_band(TODAY + timedelta(days=days), TODAY) == band


def test_a_demand_is_met_by_a_fact_or_by_a_paper() -> None:
    must = [{"code": c} for c in ("food_licence", "conformity_certificate", "label_fields")]

    def lacking(has: dict[str, object], kinds: set[str]) -> list[str]:
        return [demand["code"] for demand in missing_papers(must, has, kinds)]

    assert lacking({"food_licence": None}, set()) == ["food_licence", "conformity_certificate"]
    assert lacking({"food_licence": "SC1"}, {"conformity_certificate"}) == []
    assert lacking({"food_licence": ""}, {"food_licence"}) == ["conformity_certificate"]


def test_reach_follows_the_grants_and_never_a_place_or_an_organisation() -> None:
    assert reach_of(actor(Role.CITY_OFFICIAL)) == EVERYWHERE
    assert reach_of(actor(Role.AUDITOR)).whole
    assert reach_of(actor(Role.COUNTY_OFFICIAL, county_code="990121")).county == "990121"
    both = Actor(1, tuple(Grant(Role.COUNTY_OFFICIAL, county_code=c) for c in ("1", "2")))
    assert reach_of(both).county is None
    assert reach_of(both).covers("2")
    assert not reach_of(both).covers(None)
    assert reach_of(NOBODY) == NOWHERE
    assert reach_of(actor(Role.OUTLET_MANAGER, place_id=3)) == NOWHERE


@pytest.fixture
def w(session: Session) -> World:
    return world(session)


def test_a_lot_on_shelves_is_told_of_as_its_date_nears_and_passes(w: World) -> None:
    lot, _ = on_shelf(w, packs=12)
    assert lot.best_before is not None
    nearly, past = lot.best_before - timedelta(days=10), lot.best_before + timedelta(days=1)

    assert dated_lots(w.session, TODAY, EVERYWHERE) == []
    (near,) = dated_lots(w.session, nearly, EVERYWHERE)
    (gone,) = dated_lots(w.session, past, EVERYWHERE)

    assert (near.lot_no, near.on_hand, near.outlets, near.days_left) == (lot.lot_no, 12, 1, 10)
    assert (near.expired, gone.expired) == (False, True)
    assert dated_lots(w.session, nearly, FAR) == []

    recall_lot(w.session, lot_id=lot.id, reason_zh="退回", reason_en="", actor=w.official, now=NOW)
    assert dated_lots(w.session, nearly, EVERYWHERE) == []


def test_a_recall_counts_what_is_on_shelves_elsewhere_and_sold(w: World) -> None:
    next_door = outlet(w.session, "K-02")
    lot, packs = on_shelf(w, packs=12, outlet=next_door)
    sell(w, packs[:5], next_door)
    recall_lot(
        w.session, lot_id=lot.id, reason_zh="水分超标", reason_en="", actor=w.official, now=NOW
    )

    (told,) = recalls(w.session, EVERYWHERE, standing=True)
    (seen_there,) = recalls(w.session, Reach(frozenset({str(next_door.county_code)})))

    assert (told.on_shelves, told.outlets, told.elsewhere, told.sold) == (7, 1, 12, 5)
    assert (seen_there.on_shelves, seen_there.elsewhere, seen_there.sold) == (7, 0, 5)
    assert recalls(w.session, FAR) == []


def paper(w: World, kind: str, valid_to: date | None, *, product: Product | None = None) -> None:
    w.session.add(
        Certificate(
            kind=kind,
            number=f"D-{kind}-{valid_to}",
            organisation_id=(product.supplier_id if product else w.supplier.id),
            product_id=product.id if product else None,
            issuer_zh="示例（演示）",
            issuer_en="Demo",
            issued_on=date(2026, 1, 1),
            valid_to=valid_to,
            created_at=NOW,
        )
    )
    w.session.flush()


def test_a_paper_is_told_of_until_it_is_renewed(w: World) -> None:
    paper(w, "food_licence", TODAY + timedelta(days=20))
    paper(w, "business_licence", TODAY + timedelta(days=400))

    (due,) = papers_due(w.session, TODAY, EVERYWHERE)
    assert (due.kind, due.days_left, due.band) == ("food_licence", 20, 30)
    assert papers_due(w.session, TODAY, FAR) == []

    paper(w, "food_licence", TODAY + timedelta(days=900))
    assert papers_due(w.session, TODAY, EVERYWHERE) == []


def test_produce_on_sale_without_its_certificate_is_told_of(w: World) -> None:
    product = w.session.scalars(
        select(Product).where(Product.compliance_code == "cert_required")
    ).one()
    assert [u.code for u in unpapered(w.session, TODAY, EVERYWHERE)] == [product.code]
    assert unpapered(w.session, TODAY, FAR) == []

    paper(w, "conformity_certificate", TODAY - timedelta(days=1), product=product)
    assert product.id in missing_by_product(w.session, TODAY, EVERYWHERE)
    paper(w, "conformity_certificate", None, product=product)
    assert product.id not in missing_by_product(w.session, TODAY, EVERYWHERE)


def test_goods_sold_that_never_came_into_their_lot_are_told_of_until_somebody_settles_it(
    w: World,
) -> None:
    sku = next(
        s
        for s in w.session.scalars(select(type(w.sku)).where(type(w.sku).tracking == "lot"))
        if not s.raw
    )
    product = w.session.get_one(Product, sku.product_id)
    lot = bare_lot(w.session, sku, product.supplier_id)
    record_sale(
        w.session,
        Ticket(
            "late",
            w.outlet.place_id,
            "counter",
            NOW,
            (Item(sku.gtin, 3, None, lot.lot_no),),
            (Paid("cash", 3 * sku.price_fen, 3 * sku.price_fen),),
        ),
        actor=w.clerk,
        now=NOW,
    )

    (told,) = discrepancies(w.session, NOW, EVERYWHERE)
    assert (told.kind, told.lot_no, told.quantity) == ("more_out", lot.lot_no, 3)
    assert (told.code, told.owner_code) == (w.outlet.code, w.outlet.county_code)
    assert discrepancies(w.session, NOW, FAR) == []
    (still,) = discrepancies(w.session, NOW + timedelta(days=40), EVERYWHERE)
    settle_discrepancy(w.session, still.id, "盘点后补录", actor=w.official, now=NOW)
    assert discrepancies(w.session, NOW, EVERYWHERE) == []


def test_a_dead_letter_is_sent_again_by_operators_and_by_nobody_else(session: Session) -> None:
    publish(session, SaleRecorded("x", 1, "2026-11-20"), now=NOW)
    letter = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc())).all()[0]
    letter.dead_at, letter.attempts = NOW, 8
    session.flush()
    later = datetime(2026, 11, 21, tzinfo=UTC)

    with pytest.raises(NotAllowed):
        revive_message(session, letter.id, actor=actor(Role.CITY_OFFICIAL), now=later)
    assert letter.attempts == 8

    assert dead_letter_count(session) == 1
    revive_message(session, letter.id, actor=actor(Role.OPERATOR, account_id=5), now=later)
    session.flush()
    session.refresh(letter)
    assert (
        session.scalar(select(OutboxMessage.dead_at).where(OutboxMessage.id == letter.id)) is None
    )
    assert (letter.attempts, letter.next_at) == (0, later)
    assert dead_letter_count(session) == 0
    kept = session.scalars(select(AuditEntry).where(AuditEntry.verb == "revive_message")).one()
    assert (kept.actor_id, kept.object_id) == (5, str(letter.id))
    with pytest.raises(NotFound):
        revive_message(session, letter.id, actor=actor(Role.OPERATOR), now=later)
