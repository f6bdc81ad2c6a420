"""Minding the house: the audit trail, undelivered messages, and files that are safe to open."""

import csv
import io
from datetime import UTC, date, datetime

from sqlalchemy import select

from admin.exports import csv_file
from admin.figures import change
from admin.forms import named_period, read_period
from foundation.outbox import OutboxMessage, publish
from insight.rollups.rules import Cell, DayCell, Slice, before, buckets, fold, into_buckets
from parties.people.models import AuditEntry
from tests.admin.conftest import AUDITOR, CITY, OPERATOR, TODAY, Office
from traceability.log import notes
from traceability.log.models import LogWitness
from trade.sales.messages import SaleRecorded

DAY = date(2026, 11, 23)


def test_the_audit_trail_is_narrowed_by_act_object_account_and_day(trading: Office) -> None:
    with trading.database.reading() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.verb == "record_sale").order_by(AuditEntry.id)
        ).all()[0]
    only = f"/audit?verb=record_sale&kind=sale&object={entry.object_id}&actor={entry.actor_id}"

    assert trading.read(only, AUDITOR).count('class="before-after"') == 2
    assert trading.read(f"{only}&from=2026-11-20&to=2026-11-30").count("before-after") == 2
    assert "before-after" not in trading.read(f"{only}&from=2026-12-01")
    assert "before-after" not in trading.read(f"{only}&to=2026-11-01")
    rows = list(
        csv.reader(io.StringIO(trading.get(only.replace("?", ".csv?")).get_data().decode()))
    )
    assert rows[1][2:5] == ["record_sale", "sale", entry.object_id]


def dead_letter(office: Office) -> int:
    with office.database.transaction() as session:
        publish(session, SaleRecorded("x", 1, "2026-11-20"), now=TODAY)
        letter = session.scalars(
            select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(1)
        ).one()
        letter.dead_at, letter.attempts, letter.last_error = TODAY, 8, "KeyError: 'x'"
        return letter.id


def test_an_operator_sees_a_dead_letter_and_sends_it_again(office: Office) -> None:
    number = dead_letter(office)
    assert "KeyError" in office.read("/dead-letters", OPERATOR)
    assert "有 1 条已放弃" in office.read("/attention", OPERATOR)
    assert "已放弃" not in office.read("/attention", CITY)

    assert office.post(f"/dead-letters/{number}/again", CITY).status_code == 403
    assert "KeyError" in office.read("/dead-letters", OPERATOR)
    assert office.post(f"/dead-letters/{number}/again", OPERATOR).status_code == 302
    assert "KeyError" not in office.read("/dead-letters", OPERATOR)
    assert office.post(f"/dead-letters/{number}/again", OPERATOR).status_code == 404


def test_a_file_keeps_numbers_times_and_days_and_defuses_formulas() -> None:
    moment = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)

    answer = csv_file("x", ["a"], [["=1+1", "-5.00", -3, None, moment, DAY, "@me", "plain"]])

    raw = answer.get_data()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))[1] == [
        "'=1+1",
        "-5.00",
        "-3",
        "",
        "2026-11-23 00:30:00",
        "2026-11-23",
        "'@me",
        "plain",
    ]


def test_periods_have_names_and_end_today() -> None:
    def days(name: str) -> tuple[str, str]:
        found = named_period(name, DAY)
        return found.first.isoformat(), found.last.isoformat()

    assert days("month") == ("2026-11-01", "2026-11-23")
    assert days("last-month") == ("2026-10-01", "2026-10-31")
    assert days("30d") == ("2026-10-25", "2026-11-23")
    assert days("year") == ("2026-01-01", "2026-11-23")
    assert days("12m") == ("2025-12-01", "2026-11-23")
    assert read_period({"from": "2026-10-01", "to": "2026-10-31"}, DAY).name == "last-month"
    assert read_period({"from": "2026-10-02", "to": "2026-10-31"}, DAY).name == "custom"
    assert read_period({"to": "2026-10-05"}, DAY)[1:] == (date(2026, 10, 1), date(2026, 10, 5))
    assert read_period({"from": "2026-12-05"}, DAY)[1:] == (date(2026, 12, 5), date(2026, 12, 5))


def test_the_period_before_has_as_many_days_and_ends_the_day_before() -> None:
    earlier = before(Slice(date(2026, 11, 1), date(2026, 11, 23)))

    assert (earlier.first, earlier.last) == (date(2026, 10, 9), date(2026, 10, 31))
    assert earlier.days == 23


def test_a_long_period_is_drawn_by_month_and_adds_up_the_same() -> None:
    sold = [DayCell(date(2026, m, 9), c, 1, m) for m in range(1, 12) for c in ("counter", "online")]

    short = buckets(date(2026, 11, 1), date(2026, 11, 23))
    long = buckets(date(2026, 1, 15), DAY)

    assert len(short) == 23
    assert len(long) == 11
    assert long[0].first == date(2026, 1, 15)
    assert long[-1].last == DAY
    assert sum(into_buckets(sold, long)) == 2 * sum(range(2, 12))
    assert into_buckets(sold, long, "online")[1] == 2


def test_totals_are_folded_with_the_period_before_and_each_supplier_once() -> None:
    def cell(supplier: int, amount: int) -> Cell:
        return Cell(1, supplier, "honey", "1", "2", "zone", "counter", 1, amount)

    totals = fold(
        [cell(1, 300), cell(1, 200), cell(2, 900)], [cell(3, 50)], lambda c: c.supplier_id
    )

    assert list(totals) == [2, 1, 3]
    assert (totals[1].amount_fen, totals[1].quantity, totals[1].suppliers) == (500, 2, {1})
    assert (totals[3].amount_fen, totals[3].before_fen, totals[3].change_fen) == (0, 50, -50)


def test_changes_are_written_with_their_sign_and_nothing_from_nothing() -> None:
    assert change(110, 100) == "+10.0%"
    assert change(90, 100) == "\N{MINUS SIGN}10.0%"
    assert change(100, 100) == "0.0%"
    assert change(5, 0) == "\N{EM DASH}"


def test_lots_are_found_by_piece_of_number_product_supplier_and_state(trading: Office) -> None:
    with trading.database.reading() as session:
        from goods.stock.models import Lot

        number = session.get_one(Lot, trading.lots[0]).lot_no

    def found(query: str) -> int:
        return trading.read(f"/lots?{query}", CITY).count("/office/lots/")

    assert found(f"q={number[2:6].lower()}") == 1
    assert found("product=Q01&supplier=T01") == 2
    assert found("product=Q02") == 0
    assert found("state=on_shelf") == 2
    assert found("state=recalled") == found("state=expired") == found("state=near") == 0
    assert found("state=in_transit") == found("state=sold_out") == 0
    assert found("raw=1") == 2


def test_an_operator_sees_the_log_and_minds_its_witnesses(office: Office) -> None:
    """Keys, the queue and witnesses stand on one page that only operators open."""
    assert office.get("/log", CITY).status_code == 403
    assert "还没有见证方" in office.read("/log", OPERATOR)
    vkey = notes.new_key("witness.example/w1").verifier.text
    assert office.post("/log/witnesses", OPERATOR, vkey="nonsense").status_code == 400
    assert office.post("/log/witnesses", CITY, vkey=vkey).status_code == 403
    assert "witness.example" not in office.read("/log", OPERATOR)
    assert office.post("/log/witnesses", OPERATOR, vkey=vkey).status_code == 302
    assert "witness.example/w1" in office.read("/log", OPERATOR)
    with office.database.reading() as session:
        number = session.scalars(select(LogWitness.id)).one()
    assert office.post(f"/log/witnesses/{number}/remove", CITY).status_code == 403
    assert office.post(f"/log/witnesses/{number}/remove", OPERATOR).status_code == 302
    assert "witness.example" not in office.read("/log", OPERATOR)
    assert office.post("/log/witnesses/999/remove", OPERATOR).status_code == 404


def test_a_log_that_stands_still_is_told(trading: Office) -> None:
    """Events that wait for more than a minute show that no worker takes them in."""
    assert "日志停住" in trading.read("/attention", OPERATOR)
    assert "日志停住" not in trading.read("/attention", CITY)
    assert "事件排队太久" in trading.read("/log", OPERATOR)
