"""The catalogue: what may come in, what may be published, what a price was."""

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.seeding import SEEDER
from foundation.errors import BadInput, NotAllowed, NotFound
from goods.catalogue.demands import price_history, valid_papers
from goods.catalogue.models import Assortment, Certificate, Price, Product, Sku
from goods.catalogue.rules import (
    demand_state,
    fragments_of,
    per_hundred,
    read_gtin,
    refuse_claims,
    words_of,
)
from goods.catalogue.services import (
    ImportRefused,
    NewPaper,
    add_certificate,
    edit_texts,
    import_products,
    set_assortment,
    set_price,
    set_status,
)
from tests.databases import NOW
from tests.factories import World, world
from tests.traceability.ledger import refused
from traceability.digital_link import check_digit

Row = dict[str, Any]


@pytest.fixture
def w(session: Session) -> World:
    return world(session)


def gtin(body: str) -> str:
    return body + check_digit(body)


def row_for(w: World, **more: Any) -> Row:
    sku = {
        "code": "Q50-1",
        "gtin": gtin("0952800150001"),
        "spec_zh": "500g/瓶",
        "spec_en": "500 g jar",
        "base_unit": "piece",
        "tracking": "serial",
        "price_fen": 6800,
    }
    made: Row = {
        "code": "Q50",
        "supplier": "T01",
        "county": w.product.county_code,
        "category": w.product.category_code,
        "compliance_class": w.product.compliance_code,
        "return_policy": w.product.return_code,
        "trace_template": "honey",
        "name_zh": "山花蜜",
        "name_en": "Mountain honey",
        "skus": [sku],
    }
    return made | more


def take(w: World, row: Row, **more: Any) -> list[Product]:
    return import_products(w.session, [row], actor=more.get("actor", w.owner), now=NOW)


def codes(session: Session) -> tuple[list[str], list[str], int]:
    session.expire_all()
    return (
        sorted(session.scalars(select(Product.code))),
        sorted(session.scalars(select(Sku.code))),
        len(session.scalars(select(Price)).all()),
    )


def test_a_new_product_comes_in_as_a_draft_with_its_price_line(w: World) -> None:
    (product,) = take(w, row_for(w))
    sku = w.session.scalars(select(Sku).where(Sku.product_id == product.id)).one()
    assert (product.status, product.supplier_id) == ("draft", w.supplier.id)
    assert (sku.price_fen, sku.price_version, sku.units_per_case) == (6800, 1, 24)
    assert "山花蜜" in product.search_text
    assert [p.price_fen for p in price_history(w.session, [sku.id])[sku.id]] == [6800]


def test_the_same_product_again_changes_it_and_keeps_the_price_history(w: World) -> None:
    take(w, row_for(w))
    again = row_for(w, name_zh="高山蜜")
    again["skus"][0]["price_fen"] = 7200
    (product,) = take(w, again)
    sku = w.session.scalars(select(Sku).where(Sku.product_id == product.id)).one()
    assert (product.name_zh, sku.price_fen, sku.price_version) == ("高山蜜", 7200, 2)
    history = price_history(w.session, [sku.id])[sku.id]
    assert [(p.version, p.price_fen) for p in history] == [(2, 7200), (1, 6800)]


def spoil(name: str, value: Any) -> Callable[[Row], None]:
    def change(row: Row) -> None:
        row[name] = value

    return change


def spoil_sku(name: str, value: Any) -> Callable[[Row], None]:
    def change(row: Row) -> None:
        row["skus"][0][name] = value

    return change


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (spoil("name_zh", " "), "name_zh"),
        (spoil("skus", []), "skus"),
        (spoil("supplier", "T99"), "supplier"),
        (spoil("county", "000000"), "category"),
        (spoil("description_zh", "清热解毒"), "description_zh"),
        (spoil("code", "Q02"), "code"),
        (spoil_sku("tracking", "smell"), "tracking"),
        (spoil_sku("stock_policy", "magic"), "stock_policy"),
        (spoil_sku("tax_class", "none"), "tax_class"),
        (spoil_sku("price_fen", 0), "price_fen"),
        (spoil_sku("price_fen", 68.0), "price_fen"),
        (spoil_sku("gtin", "123"), "gtin"),
        (spoil_sku("gtin", "09528001010016"), "gtin"),
        (spoil_sku("gtin", "09528001010015"), "gtin"),
        (spoil_sku("code", "Q01-1"), "code"),
    ],
)
def test_a_wrong_row_is_refused_by_field_and_nothing_comes_in(
    w: World, change: Callable[[Row], None], field: str
) -> None:
    row = copy.deepcopy(row_for(w))
    change(row)
    before = codes(w.session)
    with pytest.raises(ImportRefused) as caught, w.session.begin_nested():
        take(w, row, actor=SEEDER)
    assert caught.value.field == field
    assert codes(w.session) == before


def test_a_supplier_uploads_no_goods_of_another(w: World) -> None:
    before = codes(w.session)
    with pytest.raises(NotAllowed), w.session.begin_nested():
        take(w, row_for(w, supplier="T02"))
    assert codes(w.session) == before


def test_a_price_is_given_by_its_owner_and_keeps_its_history(w: World) -> None:
    before = w.sku.price_fen
    set_price(w.session, w.sku.id, before + 100, actor=w.owner, now=NOW)
    set_price(w.session, w.sku.id, before + 100, actor=w.owner, now=NOW)
    history = price_history(w.session, [w.sku.id])[w.sku.id]
    assert [p.price_fen for p in history] == [before + 100, before]
    for fen in (0, -1, 100_000_001):
        with refused(w.session, BadInput, "price_fen"):
            set_price(w.session, w.sku.id, fen, actor=w.owner, now=NOW)
    with refused(w.session, NotAllowed):
        set_price(w.session, w.sku.id, 1, actor=w.clerk, now=NOW)
    with refused(w.session, NotFound):
        set_price(w.session, 99_999, 1, actor=w.owner, now=NOW)


def test_a_product_is_taken_off_and_put_back(w: World) -> None:
    product = w.product
    set_status(w.session, product.id, "unpublished", actor=w.owner, now=NOW)
    assert product.status == "unpublished"
    for status, kind in (("sold", BadInput),):
        with refused(w.session, kind, "status"):
            set_status(w.session, product.id, status, actor=w.owner, now=NOW)
    with refused(w.session, NotAllowed):
        set_status(w.session, product.id, "published", actor=w.clerk, now=NOW)
    with refused(w.session, NotFound):
        set_status(w.session, 99_999, "published", actor=w.owner, now=NOW)
    product.description_zh = "这蜜有疗效"
    w.session.flush()
    with refused(w.session, BadInput):
        set_status(w.session, product.id, "published", actor=w.owner, now=NOW)


def test_texts_change_within_bounds_and_without_claims(w: World) -> None:
    texts = {"name_zh": "岭上蜜", "unknown": "x"}
    edit_texts(w.session, w.product.id, texts, actor=w.owner, now=NOW)
    assert w.product.name_zh == "岭上蜜"
    assert "岭上蜜" in w.product.search_text
    edit_texts(w.session, w.product.id, {"name_zh": "岭上蜜"}, actor=w.owner, now=NOW)
    for given, field in (
        ({"name_zh": " "}, "name_zh"),
        ({"name_zh": "蜜" * 61}, "name_zh"),
        ({"description_zh": "润肺的蜜"}, "description_zh"),
    ):
        with refused(w.session, BadInput, field):
            edit_texts(w.session, w.product.id, given, actor=w.owner, now=NOW)
    with refused(w.session, NotAllowed):
        edit_texts(w.session, w.product.id, texts, actor=w.clerk, now=NOW)
    with refused(w.session, NotFound):
        edit_texts(w.session, 99_999, texts, actor=w.owner, now=NOW)


def paper(w: World, **more: Any) -> NewPaper:
    made = NewPaper(
        organisation_id=w.supplier.id,
        kind="conformity_certificate",
        number="HGZ-1",
        issuer="示例合作社（演示）",
        issued_on=NOW.date(),
        valid_to=NOW.date() + timedelta(days=90),
        product_id=w.product.id,
    )
    return made._replace(**more)


def test_a_paper_is_put_on_file_once_and_counts_while_it_is_valid(w: World) -> None:
    kind = min(_kinds())
    add_certificate(w.session, paper(w, kind=kind), actor=w.owner, now=NOW)
    assert valid_papers(w.session, w.product, today=NOW.date()) == [kind]
    later = NOW.date() + timedelta(days=91)
    assert valid_papers(w.session, w.product, today=later) == []
    with refused(w.session, BadInput, "number"):
        add_certificate(w.session, paper(w, kind=kind), actor=w.owner, now=NOW)
    foreign = w.session.scalars(select(Product).where(Product.supplier_id != w.supplier.id)).all()
    for wrong, field in (
        (paper(w, kind="poem"), "kind"),
        (paper(w, kind=kind, number="2", issued_on=later), "issued_on"),
        (paper(w, kind=kind, number="2", valid_to=NOW.date() - timedelta(days=1)), "valid_to"),
        (paper(w, kind=kind, number="2", product_id=foreign[0].id), "product_id"),
    ):
        with refused(w.session, BadInput, field):
            add_certificate(w.session, wrong, actor=w.owner, now=NOW)
    with refused(w.session, NotAllowed):
        add_certificate(w.session, paper(w, kind=kind, number="2"), actor=w.clerk, now=NOW)
    with refused(w.session, NotFound):
        gone = paper(w, kind=kind, number="2", organisation_id=99_999)
        add_certificate(w.session, gone, actor=w.owner, now=NOW)
    assert len(w.session.scalars(select(Certificate)).all()) == 1


def _kinds() -> tuple[str, ...]:
    from goods.catalogue.services import PAPER_ON_FILE

    return tuple(PAPER_ON_FILE)


def test_an_outlet_carries_what_it_was_given_in_that_order(w: World) -> None:
    ids = list(w.session.scalars(select(Product.id).order_by(Product.id)))
    place = w.outlet.place_id
    assert set_assortment(w.session, place, [ids[1], ids[0], ids[1]], actor=SEEDER, now=NOW) == 2
    query = select(Assortment).where(Assortment.place_id == place).order_by(Assortment.sort)
    assert [row.product_id for row in w.session.scalars(query)] == [ids[1], ids[0]]
    assert set_assortment(w.session, place, [], actor=SEEDER, now=NOW) == 0
    with refused(w.session, NotAllowed):
        set_assortment(w.session, place, ids, actor=w.owner, now=NOW)


@pytest.mark.parametrize("text", ["", "123", "9528001010015x", "09528001010016"])
def test_a_number_that_is_no_gtin_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_gtin(text)


def test_short_numbers_become_fourteen_digits() -> None:
    assert read_gtin(" 9528001010015 ") == "09528001010015"


def test_claims_are_found_in_both_languages() -> None:
    refuse_claims("好吃的蜜", "Good honey")
    for text in ("可以降血压", "A DETOX honey"):
        with pytest.raises(BadInput):
            refuse_claims(text)


def test_a_price_per_hundred_is_rounded_and_only_for_what_is_weighed() -> None:
    assert per_hundred(6800, 500, "g") == (1360, "100g")
    assert per_hundred(1000, 3, "mL") == (33_333, "100mL")
    assert per_hundred(6800, None, "g") is None
    assert per_hundred(6800, 1, "piece") is None


def test_words_and_fragments() -> None:
    assert words_of("  蜂蜜 Honey honey ") == ("蜂蜜", "honey")
    assert fragments_of(("沁水的蜂蜜", "honey")) == ("沁水", "水的", "的蜂", "蜂蜜", "honey")
    assert fragments_of(("蜜",)) == ("蜜",)


def test_a_demand_is_met_by_paper_or_text_or_declared() -> None:
    assert demand_state("food_licence", {}, ["food_licence"]) == "met"
    assert demand_state("food_licence", {}, []) == "missing"
    assert demand_state("origin", {"origin_zh": "沁水"}, []) == "met"
    assert demand_state("origin", {}, []) == "missing"
    assert demand_state("producer", {}, []) == "declared"
