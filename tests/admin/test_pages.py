"""Who may open what in the office, and what they find there."""

import csv
import io
import re
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from goods.catalogue.models import Product
from parties.network.models import Outlet
from parties.people.models import AuditEntry
from parties.people.permissions import NOBODY, Actor, Role
from tests.admin.conftest import AUDITOR, CITY, COUNTY, FOREIGN, HOME, NEXT_DOOR, OPERATOR, Office
from tests.factories import actor, world
from tests.insight.trading import make_two_packs
from traceability.models import Recall
from trade.sales.models import Sale, SaleLine

LISTS = ["/", "/attention", "/sales", "/outlets", "/products", "/lots", "/recalls", "/suppliers"]
FILES = ["/sales", "/outlets", "/products", "/lots", "/recalls", "/suppliers"]
STRANGERS = [
    actor(Role.CONSUMER),
    actor(Role.SUPPLIER_OWNER, organisation_id=1),
    actor(Role.COUNTER_CLERK, place_id=1),
    actor(Role.OUTLET_MANAGER, place_id=1),
]
WEEK = "from=2026-11-20&to=2026-11-26"


@pytest.mark.parametrize("by", [CITY, COUNTY, FOREIGN, OPERATOR, AUDITOR])
def test_officials_operators_and_auditors_open_every_list(trading: Office, by: Actor) -> None:
    for path in LISTS:
        page = trading.read(path, by)
        assert "<h1>" in page
        assert 'style="' not in page
    for path in FILES:
        assert trading.get(f"{path}.csv", by).status_code == 200


@pytest.mark.parametrize("by", STRANGERS)
def test_nobody_else_opens_any(trading: Office, by: Actor) -> None:
    for path in [*LISTS, *(f"{p}.csv" for p in FILES), "/outlets/K-01", "/suppliers/T01"]:
        assert trading.get(path, by).status_code == 403
    assert trading.get(f"/lots/{trading.lots[0]}", by).status_code == 403
    assert trading.get(f"/sales/{trading.sale_ids[0]}", by).status_code == 403


def test_who_has_not_signed_in_is_asked_to(trading: Office) -> None:
    for path in LISTS:
        answer = trading.get(path, NOBODY)
        assert answer.status_code == 302
        assert "signin" in answer.location


def test_audit_and_letters_are_for_those_who_mind_them(trading: Office) -> None:
    for by in (CITY, COUNTY, OPERATOR):
        assert trading.get("/audit", by).status_code == 403
        assert trading.get("/audit.csv", by).status_code == 403
    for by in (CITY, COUNTY, AUDITOR):
        assert trading.get("/dead-letters", by).status_code == 403
    assert "record_sale" in trading.read("/audit?verb=record_sale", AUDITOR)
    assert trading.get("/dead-letters", OPERATOR).status_code == 200


def test_the_side_rail_names_only_what_may_be_opened(trading: Office) -> None:
    rail = re.compile(r'<nav class="side".*?</nav>', re.DOTALL)

    def named(by: Actor) -> str:
        found = rail.search(trading.read("/", by))
        assert found
        return found[0]

    assert "/office/audit" in named(AUDITOR)
    assert "/office/audit" not in named(CITY)
    assert "/office/dead-letters" in named(OPERATOR)
    assert "/office/dead-letters" not in named(COUNTY)


def test_a_county_finds_neither_foreign_goods_nor_outlets_by_their_ids(trading: Office) -> None:
    foreign = [
        "/outlets/K-01",
        "/suppliers/T01",
        *(f"/lots/{lot_id}" for lot_id in trading.lots),
        *(f"/sales/{sale_id}" for sale_id in trading.sale_ids),
    ]
    for path in foreign:
        answer = trading.get(path, FOREIGN)
        assert answer.status_code == 404
        assert "蜂蜜" not in answer.get_data(as_text=True)
    assert "K-01" not in trading.read("/outlets", FOREIGN)
    assert "K-06" in trading.read("/outlets", FOREIGN)
    assert trading.read("/sales?" + WEEK, FOREIGN).count("<tr>") == 0
    assert "<table>" not in trading.read("/lots", FOREIGN)
    assert "Q01" not in trading.read("/products", FOREIGN)


def test_a_county_opens_its_own_outlets_goods_and_sales(trading: Office) -> None:
    for path in ("/outlets/K-01", "/suppliers/T01", f"/lots/{trading.lots[1]}"):
        assert trading.get(path, COUNTY).status_code == 200
    assert trading.get("/outlets/K-02", COUNTY).status_code == 404
    # Sold next door, but its own goods: the sale is seen, the till's money is not.
    with trading.database.reading() as session:
        next_door = session.scalars(
            select(Sale.id)
            .join(Outlet, Outlet.place_id == Sale.place_id)
            .where(Outlet.code == "K-02")
        ).first()
    page = trading.read(f"/sales/{next_door}", COUNTY)
    assert "/office/outlets/K-02" not in page
    assert "怎么付的" not in page
    assert "怎么付的" in trading.read(f"/sales/{next_door}", CITY)


@pytest.mark.parametrize("by", [COUNTY, FOREIGN, AUDITOR])
def test_only_those_who_manage_the_network_change_an_outlet(trading: Office, by: Actor) -> None:
    answer = trading.post("/outlets/K-01/status", by, status="paused", on="2026-11-25")

    assert answer.status_code == 403
    with trading.database.reading() as session:
        assert session.scalar(select(Outlet.status).where(Outlet.code == "K-01")) == "open"


def test_an_outlet_is_paused_and_its_history_says_so(trading: Office) -> None:
    answer = trading.post("/outlets/K-01/status", CITY, status="paused", on="2026-11-25")

    assert answer.status_code == 302
    page = trading.read("/outlets/K-01", CITY)
    assert "2026年11月25日" in page
    assert "暂停" in page


def test_a_status_that_does_not_exist_is_refused_at_the_form(trading: Office) -> None:
    answer = trading.post("/outlets/K-01/status", CITY, status="burnt", on="2026-11-25")

    assert answer.status_code == 400
    assert trading.post("/outlets/K-01/status", CITY, status="paused").status_code == 400
    with trading.database.reading() as session:
        assert session.scalar(select(Outlet.status).where(Outlet.code == "K-01")) == "open"


def test_a_recall_from_the_lots_page_stops_it_and_is_listed(trading: Office) -> None:
    lot = trading.lots[0]
    answer = trading.post(
        f"/lots/{lot}/recall", COUNTY, reason_zh="水分超标", reason_en="Too moist", sure="y"
    )

    assert answer.status_code == 302
    assert "水分超标" in trading.read(f"/lots/{lot}", COUNTY)
    assert "水分超标" in trading.read("/recalls", CITY)
    assert "召回中" in trading.read("/attention", CITY)
    assert "水分超标" not in trading.read("/recalls", FOREIGN)
    again = trading.post(f"/lots/{lot}/recall", COUNTY, reason_zh="再来", sure="y")
    assert again.status_code == 409


@pytest.mark.parametrize(("by", "status"), [(FOREIGN, 404), (OPERATOR, 403), (AUDITOR, 403)])
def test_a_recall_is_refused_to_others_and_leaves_no_trace(
    trading: Office, by: Actor, status: int
) -> None:
    answer = trading.post(f"/lots/{trading.lots[0]}/recall", by, reason_zh="水分超标", sure="y")

    assert answer.status_code == status
    with trading.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Recall)) == 0


def test_a_recall_without_reason_or_a_second_look_is_refused(trading: Office) -> None:
    path = f"/lots/{trading.lots[0]}/recall"

    assert trading.post(path, CITY, reason_zh="", sure="y").status_code == 400
    assert trading.post(path, CITY, reason_zh="水分超标").status_code == 400
    with trading.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Recall)) == 0


def test_a_product_is_taken_off_and_put_back(trading: Office) -> None:
    def status() -> str | None:
        with trading.database.reading() as session:
            return session.scalar(select(Product.status).where(Product.code == "Q01"))

    assert trading.post("/products/Q01/status", COUNTY, status="unpublished").status_code == 302
    assert status() == "unpublished"
    assert trading.post("/products/Q01/status", FOREIGN, status="published").status_code == 404
    assert trading.post("/products/Q01/status", AUDITOR, status="published").status_code == 403
    assert trading.post("/products/Q01/status", COUNTY, status="golden").status_code == 400
    assert status() == "unpublished"
    assert trading.post("/products/Q01/status", OPERATOR, status="published").status_code == 302
    assert status() == "published"


def test_the_overview_says_what_the_sales_say(trading: Office) -> None:
    with trading.database.reading() as session:
        amount = session.scalar(select(func.sum(SaleLine.total_fen))) or 0
        pieces = session.scalar(select(func.sum(SaleLine.quantity))) or 0
    page = trading.read(f"/?{WEEK}", CITY)

    assert f"{amount / 1_000_000:,.2f}" in page
    assert f'<td class="n">{pieces}</td>' in page
    assert f"¥{amount // 100:,}.{amount % 100:02}" in trading.read(f"/sales?{WEEK}", CITY)


def test_every_link_on_the_overview_leads_to_a_page(trading: Office) -> None:
    for by in (CITY, COUNTY):
        page = trading.read(f"/?{WEEK}", by)
        links = {link.replace("&amp;", "&") for link in re.findall(r'href="(/office[^"]*)"', page)}
        assert len(links) > 40
        for link in links:
            answer = trading.client.get(link, headers={"Accept": "text/html"})
            assert answer.status_code == 200, link


def test_a_ranking_leads_to_the_rows_that_add_up_to_it(trading: Office) -> None:
    for narrowed in (f"county={HOME}", f"at={NEXT_DOOR}", "channel=online", "tier=counter"):
        page = trading.read(f"/sales?{WEEK}&{narrowed}", CITY)
        listed = rows_of(trading, f"/sales.csv?{WEEK}&{narrowed}")
        cents = sum(round(float(row[-1]) * 100) for row in listed)
        assert f"¥{cents // 100:,}.{cents % 100:02}" in page


def rows_of(office: Office, path: str) -> list[list[str]]:
    answer = office.get(path)
    raw = answer.get_data()
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))[1:]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"/sales?{WEEK}", lambda row: row[0]),
        (f"/sales?{WEEK}&channel=online", lambda row: row[0]),
        (f"/sales?{WEEK}&flagged=1", lambda row: row[0]),
        ("/outlets?tier=county_hall", lambda row: row[0]),
        ("/products", lambda row: row[0]),
        ("/lots?state=on_shelf", lambda row: row[0]),
        ("/suppliers", lambda row: row[1]),
    ],
)
def test_a_file_has_the_rows_of_its_page(
    trading: Office, path: str, told: Callable[[list[str]], str]
) -> None:
    for by in (CITY, COUNTY):
        page = trading.read(path, by)
        head, _, query = path.partition("?")
        rows = rows_of(trading, f"{head}.csv?{query}")
        body = page.partition("<tbody>")[2].partition("</tbody>")[0]
        assert len(rows) == body.count("<tr>") > 0
        assert all(told(row) in body for row in rows)


def test_flagged_lines_are_those_whose_price_differs_from_the_list(trading: Office) -> None:
    rows = rows_of(trading, f"/sales.csv?{WEEK}&flagged=1")

    assert len(rows) == 2
    assert all(row[13] != row[14] for row in rows)


def test_a_lots_page_tells_its_whole_journey_and_balances(trading: Office) -> None:
    page = trading.read(f"/lots/{trading.lots[0]}", COUNTY)

    assert page.count("<li") > 10
    assert "进出相符" in page
    assert "100.0%" in page
    for step in ("取蜜", "灌装", "收货", "卖出"):
        assert step in page
    raw = re.search(r'class="node" href="(/office/lots/\d+)"', page)
    assert raw
    upstream = trading.client.get(raw[1], headers={"Accept": "text/html"})
    assert f"/office/lots/{trading.lots[0]}" in upstream.get_data(as_text=True)


LIST_PAGES = [
    f"/sales?{WEEK}",
    "/outlets",
    "/lots",
    "/products",
    "/suppliers",
    "/recalls",
    "/attention",
    f"/?{WEEK}",
]


def test_lists_ask_the_database_as_often_for_many_rows_as_for_few(office: Office) -> None:
    from insight.rollups.services import rebuild
    from tests.factories import world
    from tests.insight.trading import a_week_of_trade

    def asked(path: str) -> int:
        office.read(path, CITY)
        with office.statements() as said:
            office.read(path, CITY)
        return len(said)

    with office.database.transaction() as session:
        a_week_of_trade(world(session))
        rebuild(session)
    few = [asked(path) for path in LIST_PAGES]
    with office.database.transaction() as session:
        for _ in range(3):
            a_week_of_trade(world(session))
        rebuild(session)
    many = [asked(path) for path in LIST_PAGES]

    assert many == few
    assert max(many) < 30


@pytest.mark.parametrize(
    "path",
    [
        "/?from=yesterday&to=9999-99-99",
        "/?from=2026-12-31&to=2020-01-01&county=%27",
        "/?period=forever&map=moon",
        "/sales?page=-1&lot=x&tier=cellar",
        "/sales?lot=99999999999999999999",
        "/sales?q=%25_%27&supplier=%00",
        "/outlets?status=burnt&q=%25",
        "/lots?q=%25&state=lost&page=999999",
        "/products?q=%27%3B--",
        "/suppliers?q=%25&county=1",
    ],
)
def test_nonsense_in_an_address_is_no_fault(trading: Office, path: str) -> None:
    assert trading.get(path, CITY).status_code == 200


@pytest.mark.parametrize(
    "path", ["/sales/not-a-sale", "/outlets/none", "/suppliers/none", "/lots/99999999"]
)
def test_what_is_not_there_is_said_not_to_be_there(trading: Office, path: str) -> None:
    assert trading.get(path, CITY).status_code == 404


def test_pages_can_be_read_in_english(trading: Office) -> None:
    trading.client.set_cookie("lang", "en")

    page = trading.read(f"/?{WEEK}", CITY)

    assert "Plan and reality" in page
    assert "City halls" in page
    assert "Outlets by county and tier" in page


def test_reading_leaves_no_mark_in_the_audit_trail(trading: Office) -> None:
    def acts() -> int:
        with trading.database.reading() as session:
            return session.scalar(select(func.count()).select_from(AuditEntry)) or 0

    before = acts()
    for path in LISTS:
        trading.read(path, CITY)
    assert acts() == before


def test_a_making_is_weighed_with_everything_that_came_out_of_it(office: Office) -> None:
    with office.database.transaction() as session:
        w = world(session)
        lot = make_two_packs(w)

    page = office.read(f"/lots/{lot}", CITY)

    assert "和另外 1 个批次" in page
    assert "50.0%" not in page
    assert "100.0%" in page
