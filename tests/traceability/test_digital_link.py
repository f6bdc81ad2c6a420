"""Digital Link URIs: our own cases, then GS1's public ones as far as our subset goes."""

import re

import pytest

from foundation.errors import BadInput
from traceability.digital_link import (
    CaseCode,
    CheckDigitWrong,
    CodeNotForUri,
    CodeUnreadable,
    ItemCode,
    PlaceCode,
    build_uri,
    canonical_uri,
    check_digit,
    gtin14,
    parse_uri,
)

HONEY = "09520010100015"
HOST = "https://shanhuo.example"


def test_a_jar_is_named_by_gtin_lot_and_serial_in_this_order() -> None:
    uri = build_uri(HOST, ItemCode(HONEY, "QS20261103A", "000001"))
    assert uri == f"{HOST}/01/{HONEY}/10/QS20261103A/21/000001"
    assert parse_uri(uri) == ItemCode(HONEY, "QS20261103A", "000001")


def test_every_character_of_set_82_survives_the_way_through_a_uri() -> None:
    set_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
    assert len(set_82) == 82
    for start in range(0, 82, 20):
        code = ItemCode(HONEY, set_82[start : start + 20], "1")
        uri = build_uri(HOST, code)
        assert re.fullmatch(r"[A-Za-z0-9:/.%_-]+", uri)
        assert parse_uri(uri) == code


def test_a_slash_inside_a_lot_is_no_path_separator() -> None:
    uri = build_uri(HOST, ItemCode(HONEY, "11/03"))
    assert uri.endswith("/10/11%2F03")
    assert parse_uri(uri) == ItemCode(HONEY, "11/03")
    assert parse_uri(uri.replace("%2F", "%2f")) == ItemCode(HONEY, "11/03")


def test_a_lot_that_looks_like_a_key_is_still_a_lot() -> None:
    code = ItemCode(HONEY, "01", "00")
    assert parse_uri(build_uri(HOST, code)) == code


def test_an_event_names_a_unit_without_its_lot_and_a_class_with_it() -> None:
    assert (
        canonical_uri(ItemCode(HONEY, "A1", "7", attributes=(("17", "271231"),)))
        == f"https://id.gs1.org/01/{HONEY}/21/7"
    )
    assert canonical_uri(ItemCode(HONEY, "A1")) == f"https://id.gs1.org/01/{HONEY}/10/A1"
    assert canonical_uri(ItemCode(HONEY)) == f"https://id.gs1.org/01/{HONEY}"
    assert canonical_uri(CaseCode("106141412345678908")) == (
        "https://id.gs1.org/00/106141412345678908"
    )
    assert canonical_uri(PlaceCode("9520123456788", "C12")) == (
        "https://id.gs1.org/414/9520123456788/254/C12"
    )


def test_any_host_prefix_case_of_scheme_fragment_and_trailing_slash_will_do() -> None:
    want = ItemCode(HONEY, "A1", "7")
    for text in (
        f"http://localhost:8000/01/{HONEY}/10/A1/21/7",
        f"HTTPS://SHOP.EXAMPLE/cn/qr/01/{HONEY}/10/A1/21/7/",
        f"https://[2001:db8::1]:8443/01/{HONEY}/10/A1/21/7#top",
        f"https://id.gs1.org/01/{HONEY}/10/A1/21/7?linkType=gs1:traceability",
    ):
        assert parse_uri(text) == want


def test_data_in_the_query_is_kept_and_written_again() -> None:
    code = parse_uri(f"{HOST}/01/{HONEY}/10/A1?17=271231&utm=x&3103=000250")
    assert isinstance(code, ItemCode)
    assert code.attributes == (("17", "271231"), ("3103", "000250"))
    assert build_uri(HOST, code) == f"{HOST}/01/{HONEY}/10/A1?17=271231&3103=000250"


def test_a_case_and_a_place_are_read() -> None:
    case = parse_uri(f"{HOST}/00/106141412345678908?02={HONEY}&37=24")
    assert case == CaseCode("106141412345678908")
    assert isinstance(case, CaseCode)
    assert case.attributes == (("02", HONEY), ("37", "24"))
    assert parse_uri(f"{HOST}/414/9520123456788/254/C%2F1") == PlaceCode("9520123456788", "C/1")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "code_unreadable"),
        ("weixin://dl/business", "code_unreadable"),
        (f"ftp://a/01/{HONEY}", "code_unreadable"),
        ("https://shanhuo.example/", "code_unreadable"),
        ("https://shanhuo.example/products/P01", "code_unreadable"),
        (f"https://user@a/01/{HONEY}", "code_unreadable"),
        (f"https://a:70000/01/{HONEY}", "code_unreadable"),
        (f"https://a b/01/{HONEY}", "code_unreadable"),
        (f"https://a/01/{HONEY[:-1]}6", "check_digit_wrong"),
        ("https://a/01/9520010100015", "code_unreadable"),
        ("https://a/01/0952001010001", "code_unreadable"),
        (f"https://a/01/{HONEY}/21/7/10/A1", "code_unreadable"),
        (f"https://a/01/{HONEY}/10/A1/10/A1", "code_unreadable"),
        (f"https://a/01/{HONEY}/10/", "code_unreadable"),
        (f"https://a/01/{HONEY}/10//21/7", "code_unreadable"),
        (f"https://a/01/{HONEY}/10/{'A' * 21}", "code_unreadable"),
        (f"https://a/01/{HONEY}/21/{'1' * 21}", "code_unreadable"),
        (f"https://a/01/{HONEY}/10/A%20B", "code_unreadable"),
        (f"https://a/01/{HONEY}/10/A%0AB", "code_unreadable"),
        (f"https://a/01/{HONEY}/10/%E6%89%B9", "code_unreadable"),
        (f"https://a/01/{HONEY}/10/A%2", "code_unreadable"),
        (f"https://a/01/{HONEY}/10/批次", "code_unreadable"),
        (f"https://a/01/{HONEY}?10=", "code_unreadable"),
        (f"https://a/01/{HONEY}?10=A1", "code_unreadable"),
        (f"https://a/01/{HONEY}?17=271331", "code_unreadable"),
        (f"https://a/01/{HONEY}?17=27123", "code_unreadable"),
        (f"https://a/01/{HONEY}?17=271231&17=271230", "code_unreadable"),
        (f"https://a/00/106141412345678908?02={HONEY[:-1]}6", "check_digit_wrong"),
        ("https://a/00/106141412345678909", "check_digit_wrong"),
        ("https://a/414/9520123456789", "check_digit_wrong"),
        ("https://a/01/٠٩٥٢٠٠١٠١٠٠٠١٥", "code_unreadable"),
        ("https://a/401/9520123ABC", "code_kind_unsupported"),
        ("https://a/401/ABC", "code_unreadable"),
        (f"https://a/01/{HONEY}/235/XYZ", "code_kind_unsupported"),
        (f"https://a/01/{HONEY}" + "?x=" + "y" * 8000, "code_unreadable"),
    ],
)
def test_what_is_no_right_address_of_goods_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_uri(text)
    assert refused.value.code == code
    assert str(refused.value).endswith(".")


def test_a_lot_of_dots_is_refused_because_browsers_would_drop_it() -> None:
    for dots in (".", ".."):
        with pytest.raises(CodeNotForUri):
            build_uri(HOST, ItemCode(HONEY, dots))
    assert build_uri(HOST, ItemCode(HONEY, "...")).endswith("/10/...")


def test_codes_cannot_be_made_from_wrong_values() -> None:
    for wrong in ("9520010100015", "0952001010001A", "", "０９５２００１０１０００１５"):
        with pytest.raises(CodeUnreadable):
            ItemCode(wrong)
    with pytest.raises(CheckDigitWrong):
        ItemCode("09520010100016")
    with pytest.raises(CheckDigitWrong):
        CaseCode("106141412345678909")
    for wrong in ("", "批次1", "A B", "A" * 21, "A\n"):
        with pytest.raises(CodeUnreadable):
            ItemCode(HONEY, wrong)
        with pytest.raises(CodeUnreadable):
            ItemCode(HONEY, serial=wrong)
        with pytest.raises(CodeUnreadable):
            PlaceCode("9520123456788", wrong)


@pytest.mark.parametrize("base", ["shanhuo.example", "https://", "https://a/?x=1", "https://a/#b"])
def test_a_base_that_is_no_base_is_refused(base: str) -> None:
    with pytest.raises(CodeUnreadable):
        build_uri(base, ItemCode(HONEY))


def test_a_base_may_have_a_path() -> None:
    assert build_uri("https://a.cn/qr/", ItemCode(HONEY)) == f"https://a.cn/qr/01/{HONEY}"


def test_shorter_gtins_are_filled_up_with_zeros() -> None:
    assert gtin14("9520010100015") == HONEY
    assert gtin14("96385074") == "00000096385074"
    assert gtin14("036000291452") == "00036000291452"
    with pytest.raises(CodeUnreadable):
        gtin14("123")
    with pytest.raises(CheckDigitWrong):
        gtin14("9520010100016")
    assert check_digit("952001010001") == "5"
