"""Recalls in the office: the reach first, then the announcement, then place by place to the end."""

import pytest
from sqlalchemy import func, select

from goods.stock.models import Hold, Lot
from parties.network.models import Place
from parties.people.permissions import Actor
from tests.admin.conftest import AUDITOR, CITY, COUNTY, FOREIGN, OPERATOR, Office
from traceability.models import Recall
from traceability.recalls.models import RecallAct


def lot_no(office: Office, position: int = 0) -> str:
    with office.database.reading() as session:
        return session.get_one(Lot, office.lots[position]).lot_no


def announce(office: Office, by: Actor = CITY, **more: str) -> int:
    given = {"scope": "lot", "code": lot_no(office), "level": "1", "reason_zh": "水分超标"}
    answer = office.post("/recalls/new", by, **(given | {"sure": "y"} | more))
    assert answer.status_code == 303, answer.get_data(as_text=True)[-600:]
    return int(answer.location.rsplit("/", 1)[-1])


def count(office: Office, model: type) -> int:
    with office.database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_the_reach_is_shown_before_anything_is_announced(trading: Office) -> None:
    number = lot_no(trading)
    page = trading.read(f"/recalls/new?scope=lot&code={number}", COUNTY)
    assert number in page
    assert "R" + number in page
    assert 'name="sure"' in page
    assert 'style="' not in page
    assert (count(trading, Recall), count(trading, Hold)) == (0, 0)
    assert trading.get("/recalls/new?scope=lot&code=NEVER-MADE", COUNTY).status_code == 404
    assert trading.get("/recalls/new?scope=moon&code=1", COUNTY).status_code == 400
    assert trading.get(f"/recalls/new?scope=lot&code={number}", FOREIGN).status_code == 403
    for by in (AUDITOR, OPERATOR):
        assert trading.get("/recalls/new", by).status_code == 403
    assert "<form" in trading.read("/recalls/new", CITY)


def test_a_drill_is_a_report_and_blocks_nothing(trading: Office) -> None:
    page = trading.post("/recalls/drill", COUNTY, scope="lot", code=lot_no(trading))
    assert page.status_code == 200
    file = trading.post(
        "/recalls/drill", COUNTY, **{"scope": "lot", "code": lot_no(trading), "as": "json"}
    )
    assert file.json is not None
    assert file.json["drill"] is True
    assert file.json["totals"]["sold"] == 9
    assert [each["outlet"] for each in file.json["sold_at"]] == ["K-01"]
    assert (count(trading, Recall), count(trading, Hold)) == (0, 0)
    answer = trading.post("/recalls/drill", FOREIGN, scope="lot", code=lot_no(trading))
    assert answer.status_code == 403


def test_a_recall_is_seen_through_place_by_place_and_ended_by_the_city(trading: Office) -> None:
    recall_id = announce(trading, COUNTY)
    path = f"/recalls/{recall_id}"
    page = trading.read(path, COUNTY)
    assert "水分超标" in page
    assert trading.get(path, FOREIGN).status_code == 404
    assert trading.post(f"{path}/end", COUNTY, outcome="lifted", reason="x").status_code == 403
    early = trading.post(f"{path}/end", CITY, outcome="completed", reason="都收回了")
    assert early.status_code == 409
    with trading.database.reading() as session:
        recall = session.get_one(Recall, recall_id)
        held = session.execute(
            select(Place.id, Place.kind, func.count())
            .join(RecallAct, RecallAct.place_id == Place.id, isouter=True)
            .where(Place.id.in_(_places(trading, recall.lot_id)))
            .group_by(Place.id)
        ).all()
    for place_id, _kind, _n in held:
        assert "<select" in trading.read(f"{path}?place={place_id}", CITY)
        values = {
            "key": f"all-{place_id}",
            "place": str(place_id),
            "lot": str(recall.lot_id),
            "act": "destroyed",
            "serials": "",
        }
        much = trading.post(f"{path}/acts", CITY, quantity="9999", **values)
        assert much.status_code == 400
        left = _left(trading, place_id, recall.lot_id)
        assert trading.post(f"{path}/acts", CITY, quantity=str(left), **values).status_code == 303
    done = trading.post(f"{path}/end", CITY, outcome="completed", reason="全部销毁")
    assert done.status_code == 303
    assert "全部销毁" in trading.read(path, CITY)
    assert "水分超标" in trading.read("/recalls?state=ended", CITY)
    assert "水分超标" not in trading.read("/recalls?state=standing", CITY)


def _places(office: Office, lot_id: int | None) -> list[int]:
    from goods.stock.models import StockBalance

    with office.database.reading() as session:
        return list(
            session.scalars(
                select(StockBalance.place_id).where(
                    StockBalance.lot_id == lot_id, StockBalance.on_hand > 0
                )
            )
        )


def _left(office: Office, place_id: int, lot_id: int | None) -> int:
    from goods.stock.models import StockBalance

    with office.database.reading() as session:
        return session.scalars(
            select(StockBalance.on_hand).where(
                StockBalance.lot_id == lot_id, StockBalance.place_id == place_id
            )
        ).one()


def test_a_recall_of_a_place_or_supplier_is_listed_and_exported(trading: Office) -> None:
    recall_id = announce(trading, CITY, scope="place", code="K-01", reason_zh="冰柜坏了")
    assert "冰柜坏了" in trading.read("/recalls", COUNTY)
    assert "冰柜坏了" in trading.read(f"/recalls/{recall_id}", CITY)
    sold = trading.get(f"/recalls/{recall_id}/sold.csv", CITY).get_data(as_text=True)
    assert sold.count("\r\n") > 5
    assert lot_no(trading) in sold
    items = trading.get(f"/recalls/{recall_id}/items.csv", CITY).get_data(as_text=True)
    assert items.count("\r\n") == 13
    progress = trading.get(f"/recalls/{recall_id}/progress.csv", CITY).get_data(as_text=True)
    assert lot_no(trading) in progress
    assert "冰柜坏了" in trading.get("/recalls.csv", CITY).get_data(as_text=True)
    again = trading.post(
        "/recalls/new", CITY, scope="place", code="K-01", level="1", reason_zh="再来", sure="y"
    )
    assert again.status_code == 409


@pytest.mark.parametrize(("by", "status"), [(FOREIGN, 403), (OPERATOR, 403), (AUDITOR, 403)])
def test_an_announcement_by_others_leaves_no_trace(trading: Office, by: Actor, status: int) -> None:
    answer = trading.post(
        "/recalls/new",
        by,
        scope="lot",
        code=lot_no(trading),
        level="1",
        reason_zh="水分超标",
        sure="y",
    )
    assert answer.status_code == status
    assert (count(trading, Recall), count(trading, Hold)) == (0, 0)


def test_an_announcement_without_reason_or_second_look_is_refused(trading: Office) -> None:
    values = {"scope": "lot", "code": lot_no(trading), "level": "1"}
    assert trading.post("/recalls/new", CITY, **values, sure="y").status_code == 400
    assert trading.post("/recalls/new", CITY, **values, reason_zh="抽检").status_code == 400
    bad = values | {"level": "7"}
    assert trading.post("/recalls/new", CITY, **bad, reason_zh="抽", sure="y").status_code == 400
    assert count(trading, Recall) == 0
