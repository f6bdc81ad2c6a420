"""The shelves and product pages, as a visitor without scripts reads them."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.seeding import SEEDER
from foundation.db import Database
from goods.catalogue.models import Product, Sku
from goods.catalogue.services import set_assortment, set_price, set_status
from parties.network.models import Outlet
from tests.databases import NOW
from tests.factories import World

PAGES = [
    "/",
    "/categories",
    "/c/honey",
    "/county/990121",
    "/search",
    "/outlets",
    "/basket",
    "/rules/licences",
    "/rules/fees",
    "/rules/returns",
    "/rules/privacy",
    "/rules/tracing",
]


def english(client: FlaskClient) -> FlaskClient:
    client.set_cookie("lang", "en")
    return client


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_in_both_languages_without_a_write(
    client: FlaskClient, stocked: World, path: str
) -> None:
    assert stocked.product.code == "Q01"
    assert client.get(path).status_code == 200
    page = english(client).get(path)
    assert page.status_code == 200
    assert 'lang="en"' in page.text


def test_a_product_page_shows_price_stock_maker_and_batch(
    client: FlaskClient, stocked: World
) -> None:
    page = client.get(f"/p/{stocked.product.code}")
    assert page.status_code == 200
    text = page.text
    assert stocked.product.name_zh in text
    assert stocked.supplier.name_zh in text
    assert f"¥{stocked.sku.price_fen / 100:.2f}" in text
    assert stocked.sku.gtin in text
    assert "批次" in text


def test_a_chosen_pack_is_the_one_shown(client: FlaskClient, stocked: World) -> None:
    assert stocked.product.code == "Q01"
    first = client.get("/p/Q01").text
    other = client.get("/p/Q01?sku=Q01-2").text
    assert 'value="1"' in first
    assert "Q01-2" in other
    assert other != first


def test_a_new_price_shows_in_the_next_request(
    client: FlaskClient, stocked: World, database: Database
) -> None:
    assert "¥11.11" not in client.get("/p/Q01").text
    with database.transaction() as session:
        set_price(session, stocked.sku.id, 1111, actor=SEEDER, now=NOW)
    assert "¥11.11" in client.get("/p/Q01").text
    assert "<i>¥</i>11<i>.11</i>" in client.get("/c/honey").text


def test_what_is_hidden_or_taken_off_is_nowhere(
    client: FlaskClient, stocked: World, database: Database
) -> None:
    assert client.get("/p/Q01").status_code == 200
    with database.transaction() as session:
        set_status(session, stocked.product.id, "unpublished", actor=SEEDER, now=NOW)
    assert client.get("/p/Q01").status_code == 404
    for path in ("/", "/c/honey", "/search", "/search?q=Q01"):
        assert "/p/Q01" not in client.get(path).text


def test_goods_not_meant_for_shoppers_never_appear(client: FlaskClient, database: Database) -> None:
    with database.transaction() as session:
        product = session.scalars(select(Product).where(Product.code == "Q02")).one()
        product.retail_visible = False
    assert client.get("/p/Q02").status_code == 404
    assert "/p/Q02" not in client.get("/search").text
    assert "/p/Q02" not in client.get("/").text


def test_raw_material_is_no_pack(client: FlaskClient, stocked: World) -> None:
    assert stocked.raw.gtin not in client.get("/p/Q01").text
    assert f'value="{stocked.raw.id}"' not in client.get(f"/p/Q01?sku={stocked.raw.code}").text


def test_unknown_products_categories_and_counties_are_not_found(client: FlaskClient) -> None:
    for path in ("/p/nothing", "/c/nothing", "/county/000000", "/shop/nothing", "/rules/nothing"):
        assert client.get(path).status_code == 404


def test_search_finds_by_every_word_and_helps_when_nothing_fits(client: FlaskClient) -> None:
    assert "/p/Q02" in client.get("/search?q=乙县 小米").text
    page = client.get("/search?q=没有的东西")
    assert page.status_code == 200
    assert "/p/" not in page.text
    assert "/c/honey" in page.text
    near = client.get("/search?q=乙县的小米").text
    assert "/p/Q02" in near
    assert "沾边" in near


def test_search_takes_like_signs_as_letters(client: FlaskClient) -> None:
    assert "/p/" not in client.get("/search?q=%25").text
    assert "/p/" not in client.get("/search?q=_").text


def test_filters_narrow_and_order_the_list(client: FlaskClient, stocked: World) -> None:
    assert stocked.product.code == "Q01"
    stocked_only = client.get("/search?stock=1").text
    assert "/p/Q01" in stocked_only
    assert "/p/Q02" not in stocked_only
    honey = client.get("/search?category=honey").text
    assert "/p/Q01" in honey
    assert "/p/Q02" not in honey
    with_bounds = client.get("/search?from=0&to=0.01").text
    assert "/p/" not in with_bounds
    for sort in ("price", "-price", "new", "nonsense"):
        assert "/p/Q01" in client.get(f"/search?sort={sort}").text
    cheap, dear = client.get("/search?sort=price").text, client.get("/search?sort=-price").text
    codes = ["Q01", "Q02", "Q03"]
    by_price = sorted(codes, key=lambda code: cheap.index(f"/p/{code}"))
    assert by_price == sorted(codes, key=lambda code: dear.index(f"/p/{code}"), reverse=True)


def test_a_page_beyond_the_last_is_the_last(client: FlaskClient) -> None:
    page = client.get("/search?page=99")
    assert page.status_code == 200
    assert "/p/Q01" in page.text


def test_lists_and_product_pages_ask_a_constant_number_of_statements(
    client: FlaskClient, stocked: World, statements: list[str]
) -> None:
    assert stocked.product.code == "Q01"
    for path, most in (("/p/Q01", 6), ("/c/honey", 4), ("/search", 4), ("/county/990122", 4)):
        client.get(path)
        statements.clear()
        assert client.get(path).status_code == 200
        assert 0 < len(statements) <= most, path


def test_a_shop_of_its_own_shows_its_assortment_and_is_remembered(
    client: FlaskClient, database: Database, stocked: World
) -> None:
    with database.transaction() as session:
        hall = session.scalars(
            select(Outlet)
            .where(Outlet.tier == "county_hall", Outlet.status == "open")
            .order_by(Outlet.code)
        ).first()
        assert hall is not None
        slug, place_id, name = hall.slug, hall.place_id, hall.name_zh
    everything = client.get(f"/shop/{slug}")
    assert everything.status_code == 200
    assert "/p/Q02" in everything.text
    with database.transaction() as session:
        set_assortment(session, place_id, [stocked.product.id], actor=SEEDER, now=NOW)
    chosen = client.get(f"/shop/{slug}").text
    assert "/p/Q01" in chosen
    assert "/p/Q02" not in chosen
    sku = stocked.sku.id
    client.post("/basket/add", data={"sku": sku, "quantity": "1"})
    assert f"<b>{name}</b>" in client.get("/basket").text


def test_outlets_can_be_narrowed_and_counters_have_no_page(
    client: FlaskClient, database: Database
) -> None:
    with database.reading() as session:
        counter = session.scalars(
            select(Outlet).where(Outlet.tier == "counter", Outlet.status == "open")
        ).first()
        assert counter is not None
    page = client.get("/outlets?tier=counter").text
    assert counter.name_zh in page
    assert client.get(f"/shop/{counter.slug}").status_code == 404
    assert "/shop/" not in page.split('<ul class="outletlist">')[1].split("</ul>")[0]


def test_skus_of_a_sold_out_pack_can_not_be_ordered(
    client: FlaskClient, stocked: World, database: Database
) -> None:
    with database.reading() as session:
        other = session.scalars(
            select(Sku).where(Sku.product_id == stocked.product.id, Sku.code == "Q01-2")
        ).one()
    page = client.get(f"/p/Q01?sku={other.code}").text
    assert "buyform" not in page
    assert "暂时卖完" in page
