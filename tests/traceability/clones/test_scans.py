"""Scans as the scan page sends them, the alarms they raise, and the code under a coating."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, inspect, select

from app import create_app
from app.jobs import rounds
from app.settings import Settings
from foundation import clock
from foundation.db import Database
from foundation.errors import BadInput, NotAllowed
from goods.stock.models import Lot, Serial
from parties.people.permissions import Role
from tests.factories import NOW, actor, make_lot, on_shelf, world
from traceability.clones.models import Scan, ScanAlarm, ScratchCode
from traceability.clones.rules import KEEP
from traceability.clones.services import close_alarm, prove, scratch_codes
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale

SECRET = "a secret of the test"


class Jar:
    """One jar on a shelf, its page, and browsers that come by."""

    def __init__(self, web: Flask, database: Database) -> None:
        self.web, self.database = web, database
        with database.transaction() as session:
            w = world(session)
            self.lot, serials = on_shelf(w, packs=3, now=NOW)
            self.serial = serials[0].serial
            self.other = serials[1].serial
            self.gtin, self.fen = w.sku.gtin, w.sku.price_fen
            self.outlet, self.clerk, self.owner = w.outlet, w.clerk, w.owner
            self.supplier, self.county = w.supplier.id, w.product.county_code
        self.path = f"/01/{self.gtin}/10/{self.lot.lot_no}/21/{self.serial}"

    def phone(self) -> FlaskClient:
        """A phone that was never here."""
        return self.web.test_client()

    def scan(self, path: str | None = None, by: FlaskClient | None = None, **more: str) -> int:
        """Send what the page's script sends."""
        sent = {"code": path or self.path, "quiet": "1", **more}
        return (by or self.phone()).post("/trace/scans", data=sent).status_code

    def page(self, by: FlaskClient | None = None, path: str | None = None) -> str:
        """Open the jar's page."""
        return (by or self.phone()).get("/t" + (path or self.path)).get_data(as_text=True)

    def sell(self) -> None:
        """Sell it at the counter."""
        with self.database.transaction() as session:
            ticket = Ticket(
                key="sale",
                place_id=self.outlet.place_id,
                channel="counter",
                sold_at=NOW,
                items=(Item(self.gtin, 1, serial=self.serial),),
                tenders=(Paid("cash", self.fen, self.fen),),
            )
            record_sale(session, ticket, actor=self.clerk, now=NOW)

    def alarms(self) -> list[tuple[str, str, int]]:
        """Give kind, grade and times of all alarms."""
        with self.database.reading() as session:
            rows = session.scalars(select(ScanAlarm).order_by(ScanAlarm.id)).all()
            return [(row.kind, row.grade, row.times) for row in rows]

    def scans(self) -> list[tuple[str, str, str | None]]:
        """Give kind, state and area of all scans."""
        with self.database.reading() as session:
            rows = session.scalars(select(Scan).order_by(Scan.id)).all()
            return [(row.kind, row.state, row.area) for row in rows]


@pytest.fixture
def jar(web: Flask, database: Database) -> Jar:
    return Jar(web, database)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: object, _cursor: object, sql: str, *_: object) -> None:
        if not sql.upper().startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA")):
            seen.append(sql)

    event.listen(database.bind, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.bind, "before_cursor_execute", note)


def test_the_first_scan_is_told_as_such_and_later_ones_are_counted(jar: Jar) -> None:
    first, second = jar.phone(), jar.phone()
    assert "您是第一个查验这件商品的人" in jar.page(first)
    assert jar.scan(by=first) == 204
    assert jar.scan(by=first) == 204, "opened again at once: the same scan"
    assert jar.scans() == [("item", "on_shelf", None)]
    assert "到现在只有您查验过" in jar.page(first)
    assert "在您之前有人查验过一次" in jar.page(second)
    jar.scan(by=second)
    assert "此后又查验过 1 次" in jar.page()
    assert jar.alarms() == []


def test_reading_a_page_writes_nothing_sets_nothing_and_asks_one_thing_more(
    jar: Jar, database: Database
) -> None:
    lot = jar.path.partition("/21/")[0]
    jar.page()
    phone = jar.phone()
    with statements(database) as asked:
        answer = phone.get("/t" + jar.path)
    assert not [sql for sql in asked if not sql.lstrip().upper().startswith(("SELECT", "WITH"))]
    assert sum("scan_alarms" in sql or "scans" in sql for sql in asked) == 1
    assert "Set-Cookie" not in answer.headers
    with statements(database) as of_lot:
        phone.get("/t" + lot)
    assert not any("scans" in sql for sql in of_lot)
    assert jar.scans() == []


def test_the_cookie_is_random_and_kept_from_scripts_and_the_row_names_nobody(
    jar: Jar, database: Database
) -> None:
    phone = jar.phone()
    answer = phone.post("/trace/scans", data={"code": jar.path}, headers={"User-Agent": "Me"})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("scan=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    value = cookie.partition("=")[2].partition(";")[0]
    with database.reading() as session:
        row = session.scalars(select(Scan)).one()
        kept = {column.key: getattr(row, column.key) for column in inspect(Scan).columns}
    assert set(kept) == {
        *("id", "at", "kind", "gtin", "serial", "state", "device", "period", "area")
    }
    assert value not in str(kept)
    assert "Set-Cookie" not in phone.post("/trace/scans", data={"code": jar.path}).headers


def test_the_button_does_the_same_without_a_script_or_a_token(web: Flask, jar: Jar) -> None:
    web.config["WTF_CSRF_ENABLED"] = True
    phone = jar.phone()
    assert "data-scan-note" in jar.page(phone)
    answer = phone.post("/trace/scans", data={"code": jar.path})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert f'href="{jar.path}"' in page
    assert jar.county in page
    assert (
        phone.post("/trace/scans", data={"code": jar.path, "area": jar.county}).status_code == 200
    )
    assert [area for _, _, area in jar.scans()] == [None, jar.county]
    assert (
        "evil"
        not in phone.post("/trace/scans", data={"code": "//evil.example/nothing"})
        .get_data(as_text=True)
        .partition("<main")[2]
        .partition('name="code"')[0]
    )


def test_many_phones_after_the_sale_alarm_and_the_page_says_so(jar: Jar) -> None:
    jar.scan()
    jar.sell()
    for _ in range(9):
        jar.scan()
    assert jar.alarms() == [("many_devices", "info", 5)]
    jar.scan()
    assert jar.alarms() == [("many_devices", "warn", 6)]
    assert "很多部手机" in jar.page()
    for _ in range(10):
        jar.scan()
    assert jar.alarms() == [("many_devices", "alarm", 16)]


def test_goods_still_at_the_maker_far_from_their_place_or_never_made(
    jar: Jar, database: Database
) -> None:
    with database.transaction() as session:
        kept = make_lot(world(session), packs=2, now=NOW)
        serial = session.scalars(select(Serial.serial).where(Serial.lot_id == kept.id)).first()
    at_maker = f"/01/{jar.gtin}/21/{serial}"
    jar.scan(at_maker)
    assert "还没有离开生产者" in jar.page(path=at_maker)
    jar.scan(area="110101")
    for number in ("NOTOURS1", "NOTOURS2", "NOTOURS3"):
        jar.scan(f"/01/{jar.gtin}/21/{number}")
    jar.scan(f"/01/{jar.gtin}/10/NOLOT")
    assert jar.alarms() == [
        ("not_sent", "info", 1),
        ("far", "warn", 1),
        ("never_made", "alarm", 4),
    ]
    with database.reading() as session:
        alarm = session.scalars(select(ScanAlarm).where(ScanAlarm.kind == "never_made")).one()
        assert (alarm.organisation_id, alarm.county_code) == (jar.supplier, jar.county)
        assert alarm.figures["devices"] == 4


def test_codes_that_lead_nowhere_get_a_page_and_are_counted(jar: Jar) -> None:
    phone = jar.phone()
    for path, status in (("/01/09506000134352/21/A", 404), ("/01/123", 400)):
        answer = phone.get("/t" + path)
        assert answer.status_code == status
        assert "data-scan-note" in answer.get_data(as_text=True)
        jar.scan(path, area="990122")
    jar.scan("nothing at all")
    assert jar.scans() == [
        ("foreign", "", "990122"),
        ("unreadable", "", "990122"),
        ("unreadable", "", None),
    ]
    assert jar.alarms() == []


def test_the_front_server_may_say_the_county(web: Flask, jar: Jar) -> None:
    web.extensions["settings"] = replace(web.extensions["settings"], area_header="X-County")
    jar.phone().post(
        "/trace/scans", data={"code": jar.path, "quiet": "1"}, headers={"X-County": "990121"}
    )
    jar.phone().post(
        "/trace/scans", data={"code": jar.path, "quiet": "1"}, headers={"X-County": "40.1,116"}
    )
    assert [area for _, _, area in jar.scans()] == ["990121", None]


def test_a_closed_alarm_is_raised_anew_and_the_gravest_are_for_officials(
    jar: Jar, database: Database
) -> None:
    official = actor(Role.COUNTY_OFFICIAL, county_code=jar.county)
    elsewhere = actor(Role.COUNTY_OFFICIAL, county_code="990199")
    jar.scan(f"/01/{jar.gtin}/21/NOTOURS")
    with database.transaction() as session:
        alarm = session.scalars(select(ScanAlarm)).one()
        with pytest.raises(NotAllowed):
            close_alarm(session, alarm.id, "x", actor=elsewhere, now=NOW)
        with pytest.raises(BadInput):
            close_alarm(session, alarm.id, "  ", actor=jar.owner, now=NOW)
        assert alarm.closed_at is None
        close_alarm(session, alarm.id, "印错了一张", actor=jar.owner, now=NOW)
    for _ in range(3):
        jar.scan(f"/01/{jar.gtin}/21/NOTOURS")
    assert jar.alarms() == [("never_made", "warn", 1), ("never_made", "alarm", 3)]
    with database.transaction() as session:
        grave = session.scalars(select(ScanAlarm).where(ScanAlarm.closed_at.is_(None))).one()
        with pytest.raises(NotAllowed):
            close_alarm(session, grave.id, "没事", actor=jar.owner, now=NOW)
        assert close_alarm(session, grave.id, "假标", actor=official, now=NOW).closed_at == NOW


def test_scans_are_forgotten_after_a_year(jar: Jar, database: Database, settings: Settings) -> None:
    jar.scan()
    sweep = next(each for each in rounds(settings) if each.name == "forget_scans")
    sweep.act(database, clock.now() + KEEP - timedelta(minutes=1))
    assert len(jar.scans()) == 1
    sweep.act(database, clock.now() + KEEP + timedelta(minutes=1))
    assert jar.scans() == []


def test_a_scratch_code_proves_a_jar_once(jar: Jar, web: Flask, database: Database) -> None:
    web.config["SECRET_KEY"] = SECRET
    with database.transaction() as session:
        lot = session.get_one(Lot, jar.lot.id)
        made = scratch_codes(session, lot, [jar.serial], secret=SECRET, actor=jar.owner, now=NOW)
    code = made[jar.serial]
    assert "涂层" in jar.page()
    phone = jar.phone()

    def tried(text: str, path: str = jar.path) -> tuple[int, str]:
        answer = phone.post("/trace/scratch", data={"code": path, "scratch": text})
        return answer.status_code, answer.get_data(as_text=True)

    assert tried("22222222")[0] == 400
    other = jar.path.replace(jar.serial, jar.other)
    assert "没有" in tried(code, other)[1]
    status, page = tried(f"{code[:4].lower()} {code[4:]}")
    assert status == 200
    assert "码是对的" in page
    assert jar.alarms() == []
    assert "以前用过" in tried(code)[1]
    assert jar.alarms() == [("scratched_again", "warn", 1)]
    assert tried(code, "/01/123")[0] == 400
    with database.reading() as session:
        row = session.scalars(select(ScratchCode)).one()
        assert code not in row.digest
        assert session.scalar(select(func.count()).select_from(ScratchCode)) == 1


def test_scratch_codes_are_made_for_ones_own_packs_only_and_guessing_is_noticed(
    jar: Jar, database: Database
) -> None:
    stranger = actor(Role.SUPPLIER_OWNER, organisation_id=jar.supplier + 1)
    with database.transaction() as session:
        lot = session.get_one(Lot, jar.lot.id)

        def make(serials: list[str], by: object = jar.owner) -> dict[str, str]:
            return scratch_codes(session, lot, serials, secret=SECRET, actor=by, now=NOW)  # type: ignore[arg-type]

        with pytest.raises(NotAllowed):
            make([jar.serial], stranger)
        with pytest.raises(BadInput):
            make(["NOTOURS"])
        with pytest.raises(BadInput):
            make([])
        old = make([jar.serial])[jar.serial]
        new = make([jar.serial])[jar.serial]

        def tried(text: str) -> str:
            return prove(session, jar.gtin, jar.serial, text, secret=SECRET, now=NOW).result

        assert [tried(old) for _ in range(5)] == ["wrong"] * 5
        assert tried(new) == "genuine"
        assert make([jar.serial, jar.other]).keys() == {jar.other}
    assert jar.alarms() == [("scratch_guessed", "warn", 1)]


def test_scans_and_codes_are_limited(database: Database, settings: Settings) -> None:
    client = create_app(replace(settings, rate_limits=True), database).test_client()
    sent = {"code": "/01/09506000134352/21/A", "scratch": "x"}
    statuses = [client.post("/trace/scratch", data=sent).status_code for _ in range(12)]
    assert statuses[0] == 400
    assert statuses[-1] == 429
