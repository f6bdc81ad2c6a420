"""A case is received by one scan, whichever of its two codes is scanned."""

from dataclasses import replace
from datetime import date

import pytest
import zxingcpp
from PIL import Image, ImageFilter

from foundation.errors import Refused
from tests.traceability.labels.printed import page_texts, pages
from traceability.digital_link import CaseCode, build_uri
from traceability.labels.case import CaseLabel, CaseLine, case_label
from traceability.scan_codes import ScannedKind, read_code

HOST = "https://shanhuo.jincheng.example"
LINE = CaseLine("沁水刺槐成熟蜜", "500克/瓶", "QS20261103A", 24, "瓶", date(2028, 11, 2))
CASE = CaseLabel(
    CaseCode("106141412345678908"),
    [LINE],
    "沁水县示例蜜源蜂业专业合作社（演示）",
    "市级消费帮扶专馆·凤台东街示例馆（演示）",
    date(2026, 11, 5),
    demo=True,
)


def read(image: Image.Image) -> dict[str, str]:
    return {code.symbology_identifier: code.text for code in zxingcpp.read_barcodes(image)}


@pytest.mark.parametrize("dpi", [200, 300])
def test_both_codes_of_a_case_name_its_sscc(dpi: int) -> None:
    found = read(pages(case_label(CASE, host_base=HOST), dpi)[0])
    assert found == {"]C1": "(00)106141412345678908", "]Q1": build_uri(HOST, CASE.code)}
    for symbology, text in found.items():
        scanned = read_code(symbology + text.replace("(", "").replace(")", ""))
        assert scanned.kind == ScannedKind.CASE
        assert scanned.code == CASE.code


def test_a_crooked_faded_print_is_still_read() -> None:
    page = pages(case_label(CASE, host_base=HOST), 300)[0]
    turned = page.rotate(7, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    blurred = turned.filter(ImageFilter.GaussianBlur(1.6)).point(lambda grey: 60 + grey * 6 // 10)
    small = blurred.resize((blurred.width * 6 // 10, blurred.height * 6 // 10))
    assert set(read(small)) == {"]C1", "]Q1"}


def test_the_bars_are_as_high_and_wide_as_the_standard_asks() -> None:
    page = pages(case_label(CASE, host_base=HOST), 600)[0]
    (bars,) = zxingcpp.read_barcodes(
        page, formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.Code128])
    )
    left, right = bars.position.top_left.x, bars.position.top_right.x
    modules = 11 * 12 + 13 + 11  # start, FNC1, ten pairs, check, stop
    assert 0.495 <= (right - left) / modules * 25.4 / 600 <= 0.51
    middle = (left + right) // 2
    top = page.crop((left, 0, right, page.height)).resize((1, page.height), Image.Resampling.BOX)
    grey = [int(value) for value in top.tobytes()]
    y = bars.position.top_left.y
    while grey[y - 1] < 250:
        y -= 1
    bottom = y
    while grey[bottom + 1] < 250:
        bottom += 1
    assert (bottom - y) * 25.4 / 600 >= 31.75
    assert middle == pytest.approx(page.width / 2, abs=12)
    quiet = round(10 * 0.5 * 600 / 25.4) - 4
    assert page.crop((left - quiet, y, left - 4, bottom)).getextrema() == (255, 255)
    assert page.crop((right + 4, y, right + quiet, bottom)).getextrema() == (255, 255)


def test_people_read_on_it_what_is_inside_and_where_it_goes() -> None:
    text = page_texts(case_label(CASE, host_base=HOST))[0]
    for words in (
        "沁水刺槐成熟蜜",
        "500克/瓶",
        "批次 QS20261103A",
        "24 瓶",
        "保质期至 2028-11-02",
        "装箱日期 2026-11-05",
        "沁水县示例蜜源蜂业专业合作社（演示）",
        "凤台东街示例馆",
        "(00) 106141412345678908",
        "扫码收货",
        "演示",
    ):
        assert words in text, words


@pytest.mark.parametrize("kinds", [1, 3, 4, 6, 7, 12])
def test_a_mixed_case_lists_what_fits_and_counts_the_rest(kinds: int) -> None:
    case = replace(CASE, lines=[replace(LINE, lot=f"LOT{n:02d}") for n in range(kinds)])
    pdf = case_label(case, host_base=HOST)
    text = page_texts(pdf)[0]
    shown = [n for n in range(kinds) if f"LOT{n:02d}" in text]
    assert shown == list(range(kinds if kinds <= 6 else 5))
    assert (f"另有 {kinds - 5} 种" in text) == (kinds > 6)
    assert f"箱内 {24 * kinds} 瓶" in text
    assert set(read(pages(pdf, 200)[0])) == {"]C1", "]Q1"}


def test_one_page_per_case_and_the_same_bytes_again() -> None:
    other = replace(CASE, code=CaseCode("106141412345678915"), demo=False, receiver="")
    pdf = case_label(CASE, other, host_base=HOST)
    assert pdf == case_label(CASE, other, host_base=HOST)
    assert [read(page)["]C1"] for page in pages(pdf, 200)] == [
        "(00)106141412345678908",
        "(00)106141412345678915",
    ]
    assert "收货 " not in page_texts(pdf)[1]


def test_a_label_for_no_case_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        case_label(host_base=HOST)
    assert refused.value.code == "no_labels"
