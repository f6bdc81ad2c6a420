"""Whatever comes out of a scanner is read, or refused with a reason a clerk can act on."""

from datetime import date

import pytest

from foundation.errors import BadInput
from tests.traceability.public_vectors import public_vectors
from traceability.digital_link import CaseCode, ItemCode
from traceability.scan_codes import Scanned, ScannedKind, read_code

HONEY = "09520010100015"
SSCC = "106141412345678908"
GS = "\x1d"
JAR = ItemCode(HONEY, "QS1103A", "000001")


@pytest.mark.parametrize(
    "text",
    [
        f"https://shanhuo.example/01/{HONEY}/10/QS1103A/21/000001",
        f"http://127.0.0.1:8000/01/{HONEY}/10/QS1103A/21/000001\r\n",
        f"Https://shanhuo.example/01/{HONEY}/10/QS1103A/21/000001/",
        f"shanhuo.example/01/{HONEY}/10/QS1103A/21/000001",
        f"127.0.0.1:8000/01/{HONEY}/10/QS1103A/21/000001",
        f"]Q1https://shanhuo.example/01/{HONEY}/10/QS1103A/21/000001",
        f"\ufeff  https://shanhuo.example/01/{HONEY}/10/QS1103A/21/000001 \t",
        f"https://shanhuo。example/01/{HONEY}/10/QS1103A/21/000001",
        f"]C101{HONEY}10QS1103A{GS}21000001",
        f"]d201{HONEY}21000001{GS}10QS1103A",
        f"]d2{GS}01{HONEY}10QS1103A{GS}21000001{GS}",
        f"01{HONEY}10QS1103A{GS}21000001",
        f"01{HONEY}{GS}10QS1103A{GS}21000001",
        f"01{HONEY}10QS1103A|21000001",
        f"01{HONEY}10QS1103A^21000001",
        f"01{HONEY}10QS1103A\u241d21000001",
        f"(01){HONEY}(10)QS1103A(21)000001",
        f"(01) {HONEY} (10) QS1103A (21) 000001",
        f"（０１）{HONEY}（10）ＱＳ1103Ａ（21）000001",
        f"]C101{HONEY}01{HONEY}10QS1103A{GS}21000001",
    ],
)
def test_one_jar_is_read_from_every_way_of_writing_it(text: str) -> None:
    scanned = read_code(text)
    assert scanned.kind == "item"
    assert scanned.code == JAR
    assert (scanned.gtin, scanned.lot, scanned.serial) == (HONEY, "QS1103A", "000001")


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("9520010100015", HONEY),
        (" ９５２００１０１０００１５\r", HONEY),
        ("]E09520010100015", HONEY),
        (HONEY, HONEY),
        ("19520010100012", "19520010100012"),
        ("96385074", "00000096385074"),
        ("]E496385074", "00000096385074"),
        ("036000291452", "00036000291452"),
        ("0036000291452", "00036000291452"),
        ("01234565", "00012345000065"),
        ("04252614", "00042100005264"),
        ("01230438", "00012300000048"),
        ("01234145", "00012340000015"),
        (f"01{HONEY}", HONEY),
        (f"https://a.cn/01/{HONEY}", HONEY),
        ("https://a.cn/01/9520010100015", HONEY),
    ],
)
def test_an_article_number_alone_is_a_trade_item(text: str, gtin: str) -> None:
    scanned = read_code(text)
    assert scanned.kind == ScannedKind.TRADE_ITEM
    assert scanned.gtin == gtin
    assert scanned.lot is scanned.serial is None


@pytest.mark.parametrize(
    "text",
    [
        SSCC,
        f"00{SSCC}",
        f"]C100{SSCC}",
        f"(00){SSCC}",
        f"https://a.cn/00/{SSCC}",
        f"a.cn/00/{SSCC}",
        f"]C100{SSCC}02{HONEY}3724",
    ],
)
def test_a_case_is_read_from_every_way_of_writing_its_sscc(text: str) -> None:
    scanned = read_code(text)
    assert scanned.kind == ScannedKind.CASE
    assert scanned.sscc == SSCC
    assert scanned.gtin is None
    assert scanned.code == CaseCode(SSCC)


def test_what_is_inside_a_case_is_kept() -> None:
    scanned = read_code(f"]C100{SSCC}02{HONEY}3724{GS}10QS1103A")
    assert scanned.attributes == (("02", HONEY), ("37", "24"), ("10", "QS1103A"))


@pytest.mark.parametrize("text", ["2012345678903", "2412345600001", "]E02112345678900", "23456785"])
def test_a_code_of_the_shop_itself_is_told_from_an_article_number(text: str) -> None:
    scanned = read_code(text)
    assert scanned == Scanned(ScannedKind.IN_STORE, text[-13:], in_store_code=text[-13:])
    assert scanned.code is None


def test_a_lot_without_a_unit_is_a_lot() -> None:
    scanned = read_code(f"]C101{HONEY}10QS1103A")
    assert (scanned.kind, scanned.lot, scanned.serial) == ("lot", "QS1103A", None)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ("17271231", date(2027, 12, 31)),
        ("15271231", date(2027, 12, 31)),
        ("1528063017271231", date(2028, 6, 30)),
        ("17280200", date(2028, 2, 29)),
        ("11261103", None),
    ],
)
def test_best_before_is_read_and_day_zero_is_the_last_of_the_month(
    elements: str, expected: date | None
) -> None:
    assert read_code(f"]C101{HONEY}{elements}10QS1103A").best_before == expected
    assert read_code(f"https://a.cn/01/{HONEY}?15=280630").best_before == date(2028, 6, 30)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "code_unreadable"),
        (" \r\n", "code_unreadable"),
        ("honey", "code_unreadable"),
        ("槐花蜜", "code_unreadable"),
        ("12345", "code_unreadable"),
        ("952001010001A", "code_unreadable"),
        ("9520010\n100015", "code_unreadable"),
        ("٩٥٢٠٠١٠١٠٠٠١٥", "code_unreadable"),
        ("9" * 5000, "code_unreadable"),
        ("9520010100016", "check_digit_wrong"),
        ("2012345678904", "check_digit_wrong"),
        ("106141412345678909", "check_digit_wrong"),
        ("00106141412345678909", "check_digit_wrong"),
        ("]C10109520010100016", "check_digit_wrong"),
        (f"]C101{HONEY}1", "code_unreadable"),
        (f"]C101{HONEY}10", "code_unreadable"),
        (f"]C101{HONEY}10{'A' * 21}", "code_unreadable"),
        (f"]C101{HONEY}10A#B", "code_unreadable"),
        (f"]C101{HONEY}17271331", "code_unreadable"),
        (f"]C101{HONEY}17270230", "code_unreadable"),
        (f"]C101{HONEY}17270030", "code_unreadable"),
        (f"]C101{HONEY}89ABC", "code_unreadable"),
        (f"01{HONEY}10A{GS}10B", "code_contradictory"),
        (f"]C100{SSCC}01{HONEY}", "code_contradictory"),
        ("]C110QS1103A", "code_incomplete"),
        ("(10)QS1103A(21)1", "code_incomplete"),
        (f"{GS}10QS1103A", "code_incomplete"),
        ("]C14149520123456788", "code_not_of_goods"),
        ("https://a.cn/414/9520123456788", "code_not_of_goods"),
        ("https://u.wechat.com/kG0-rUX", "code_not_of_goods"),
        ("https://shanhuo.example/products/P01", "code_not_of_goods"),
        (f"https://a.cn/01/{HONEY}?10=", "code_unreadable"),
        (f"https://a.cn/01/{HONEY}/21/1/10/A", "code_unreadable"),
        ("https://a.cn/01/09520010100016", "check_digit_wrong"),
        ("https://a.cn/8004/9520614141234567", "code_kind_unsupported"),
    ],
)
def test_what_cannot_be_goods_is_refused_with_a_reason_and_a_next_step(
    text: str, code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        read_code(text)
    assert refused.value.code == code
    assert str(refused.value).endswith(".")


def test_public_digital_link_vectors_are_read_or_refused_but_never_a_fault() -> None:
    read = 0
    for case in public_vectors("digital-link/parse-uri.json")["cases"]:
        try:
            scanned = read_code(case["uri"])
        except BadInput:
            continue
        assert scanned.code is not None
        read += 1
    assert read > 30
