"""Rules of orders: addresses, freight, consents, masks, problems."""

from dataclasses import replace

import pytest

from foundation.errors import BadInput, Refused
from tests.trade.orders.world import HOME, TERMS
from trade.orders.errors import WrongDelivery
from trade.orders.rules import (
    Consent,
    Destination,
    Method,
    check_pieces,
    check_quantity,
    consents_needed,
    freight_of,
    masked_detail,
    masked_name,
    masked_phone,
    method_for,
    plain,
    problems_of,
    read_contact,
    read_destination,
    read_phone,
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("139 0356 0000", "13903560000"),
        ("+86-139-0356-0000", "13903560000"),
        ("１３９０３５６００００", "13903560000"),
        ("0356-2021234", "03562021234"),
        ("（010）62021234", "01062021234"),
        ("400-800-1234", "4008001234"),
    ],
)
def test_a_number_that_a_courier_can_call_is_read(written: str, read: str) -> None:
    assert read_phone(written) == read


@pytest.mark.parametrize("written", ["", "12315", "1390356000", "12903560000", "2021234", "abc"])
def test_a_number_that_a_courier_cannot_call_is_refused(written: str) -> None:
    with pytest.raises(BadInput) as refusal:
        read_phone(written)
    assert refusal.value.field == "phone"


def test_an_address_comes_out_in_one_spelling() -> None:
    messy = replace(HOME, recipient=" 王\t小禾 ", detail="泽州路 1号\n2单元301 ")
    assert read_destination(messy, TERMS.provinces) == replace(
        HOME, recipient="王 小禾", detail="泽州路 1号 2单元301"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recipient", "  "),
        ("recipient", "名" * 41),
        ("phone", "123"),
        ("province", "火星省"),
        ("city", "太原"),
        ("district", "小店区"),
        ("detail", ""),
        ("detail", "长" * 121),
    ],
)
def test_a_wrong_address_names_its_field(field: str, value: str) -> None:
    wrong = replace(HOME, **{field: value})
    with pytest.raises(BadInput) as refusal:
        read_destination(wrong, TERMS.provinces)
    assert refusal.value.field == field


def test_who_picks_up_leaves_no_address() -> None:
    assert read_contact(HOME) == Destination("王小禾", "13903560000")


def test_a_line_of_text_has_no_control_characters() -> None:
    assert plain("请\x00放\u200b门口 ", 20, "note") == "请 放 门口"


@pytest.mark.parametrize(
    ("method", "goods", "province", "fen"),
    [
        ("courier", 9899, "14", 800),
        ("courier", 9900, "14", 0),
        ("courier", 9900, "65", 1500),
        ("courier", 100, "65", 2300),
        ("courier", 100, None, 800),
        ("cold_chain", 99_000, "14", 2500),
        ("cold_chain", 100, "15", 3300),
        ("pickup", 100, "65", 0),
    ],
)
def test_freight_is_per_parcel(method: Method, goods: int, province: str | None, fen: int) -> None:
    assert freight_of(method, goods, province, TERMS.freight) == fen


def test_the_cold_chain_does_not_reach_everywhere() -> None:
    with pytest.raises(WrongDelivery):
        freight_of("cold_chain", 100, "54", TERMS.freight)


def test_one_chilled_jar_makes_the_parcel_cold() -> None:
    assert method_for("courier", ["ambient", "ambient"], TERMS.freight) == "courier"
    assert method_for("courier", ["ambient", "chilled"], TERMS.freight) == "cold_chain"
    assert method_for("pickup", ["frozen"], TERMS.freight) == "pickup"


def test_consents_name_whom_and_what_they_cover() -> None:
    needed = consents_needed([8, 3, 3], [5, 2], "stripe")
    assert [consent.code for consent in needed] == ["receivers:3,8", "returns:2,5", "abroad:stripe"]
    assert consents_needed([3], [], "stripe") == (
        Consent("receivers", (3,)),
        Consent("abroad", provider="stripe"),
    )


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13903560000", "139******00"),
        ("03562021234", "035******34"),
        ("4008001234", "400******4"),
        ("035620212", "035******"),
    ],
)
def test_a_pick_list_hides_six_digits_of_a_phone(phone: str, shown: str) -> None:
    assert masked_phone(phone) == shown
    assert shown.count("*") >= 6


@pytest.mark.parametrize(
    ("name", "shown"), [("王小禾", "王**"), ("王", "王*"), ("Alexandra", "A***")]
)
def test_a_pick_list_hides_a_name(name: str, shown: str) -> None:
    assert masked_name(name) == shown


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ("泽州路1号2单元301", "泽州路***"),
        ("凤台街阳光小区三号楼二单元", "凤台街阳光小区***"),
        ("阳光小区B座", "阳光小区***"),
        ("八甲口镇政府西", "八甲口镇政府西"),
    ],
)
def test_a_pick_list_hides_house_and_room(detail: str, shown: str) -> None:
    assert masked_detail(detail) == shown


@pytest.mark.parametrize("quantity", [0, -1, 201])
def test_a_quantity_has_bounds(quantity: int) -> None:
    with pytest.raises(Refused):
        check_quantity(quantity)
    assert check_quantity(200) == 200


def test_a_parcel_holds_no_more_than_a_sale_can_list() -> None:
    check_pieces([200, 200, 100])
    with pytest.raises(BadInput):
        check_pieces([200, 200, 101])


@pytest.mark.parametrize(
    ("facts", "problems"),
    [
        ({}, ()),
        ({"for_sale": False, "free": 0}, ("unpublished",)),
        ({"by_enquiry": True}, ("by_enquiry",)),
        ({"free": 0}, ("sold_out",)),
        ({"free": 1, "price_fen": 110}, ("few_left", "price_up")),
        ({"price_fen": 90}, ("price_down",)),
    ],
)
def test_a_basket_line_says_what_has_changed(
    facts: dict[str, object], problems: tuple[str, ...]
) -> None:
    known: dict[str, object] = {
        "for_sale": True,
        "by_enquiry": False,
        "free": 5,
        "quantity": 2,
        "seen_fen": 100,
        "price_fen": 100,
    }
    assert problems_of(**(known | facts)) == problems  # type: ignore[arg-type]
