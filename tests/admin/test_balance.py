"""A lot's balance and the list of discrepancies, as officials see and settle them."""

import pytest
from sqlalchemy import select

from goods.stock.models import Lot
from parties.people.models import AuditEntry
from tests.admin.conftest import AUDITOR, CITY, COUNTY, FOREIGN, OPERATOR, Office
from tests.factories import world
from traceability.balance.models import Discrepancy
from traceability.balance.services import note_discrepancy
from traceability.models import EventLot


@pytest.fixture
def off(trading: Office) -> int:
    """One discrepancy of the first lot at the counter at home."""
    with trading.database.transaction() as session:
        w = world(session)
        event_id = session.scalars(
            select(EventLot.event_id).where(EventLot.lot_id == trading.lots[0])
        ).first()
        assert event_id is not None
        note_discrepancy(
            session,
            "yield_low",
            lot_id=trading.lots[0],
            place_id=w.place("workshop").id,
            event_id=event_id,
            quantity=700,
            figures={"used": 9000, "made": 900, "percent": "10", "least": "18", "most": "30"},
            now=w.session.get_one(Lot, trading.lots[0]).created_at,
        )
        return session.scalars(select(Discrepancy.id)).one()


def test_the_balance_of_a_lot_is_a_picture_and_the_same_in_tables(trading: Office) -> None:
    page = trading.read(f"/lots/{trading.lots[0]}/balance")
    assert '<svg class="flow"' in page
    assert page.count("<tfoot>") == 2
    assert 'style="' not in page
    assert f"/office/lots/{trading.lots[0]}/balance" in trading.read(f"/lots/{trading.lots[0]}")
    assert trading.get(f"/lots/{trading.lots[0]}/balance", FOREIGN).status_code == 404


def test_discrepancies_are_listed_narrowed_exported_and_told_of(trading: Office, off: int) -> None:
    anchor = f'id="d{off}"'
    for by in (CITY, COUNTY, AUDITOR):
        assert anchor in trading.read("/discrepancies", by)
    assert anchor not in trading.read("/discrepancies", FOREIGN)
    assert anchor not in trading.read("/discrepancies?kind=more_out", CITY)
    assert anchor in trading.read("/discrepancies?kind=yield_low&lot=t")
    assert anchor not in trading.read("/discrepancies?settled=1")
    told = trading.get("/discrepancies.csv").get_data(as_text=True)
    assert "9000" in told
    assert f"#d{off}" in trading.read("/attention")


def test_a_discrepancy_is_settled_by_officials_of_its_county(trading: Office, off: int) -> None:
    path = f"/discrepancies/{off}"
    assert trading.get(path, FOREIGN).status_code == 404
    assert trading.post(path, FOREIGN, note="看过了").status_code == 404
    for by in (AUDITOR, OPERATOR):
        assert trading.post(path, by, note="看过了").status_code == 403
    assert trading.post(path, COUNTY, note="").status_code == 400
    assert "<form" in trading.read(path, COUNTY)
    assert trading.post(path, COUNTY, note="一锅焦了").status_code == 303
    assert "一锅焦了" in trading.read("/discrepancies?settled=1")
    assert "一锅焦了" in trading.read(path)
    with trading.database.reading() as session:
        assert "settle_discrepancy" in session.scalars(select(AuditEntry.verb)).all()
