"""A sheet of labels is right when another program reads back what was asked for."""

import time
from dataclasses import replace
from datetime import date

import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageFilter

from foundation.errors import Refused
from tests.traceability.labels.printed import codes, page_texts, pages
from traceability.digital_link import ItemCode, build_uri, parse_uri
from traceability.labels.sheet import (
    A4_3X8,
    A4_4X12,
    LAYOUTS,
    ROLL_40X30,
    ROLL_60X40,
    Label,
    LabelTexts,
    SheetLayout,
    code_for,
    label_sheet,
    labels_for_serials,
)

HOST = "https://shanhuo.jincheng.example"
HONEY = Label(
    ItemCode("09520010100015", "QS20261103A"),
    "沁水刺槐成熟蜜",
    "500克/瓶",
    "山西省晋城市沁水县土沃乡",
    "沁水",
    "示例蜜源蜂业合作社",
    date(2026, 11, 3),
    date(2028, 11, 2),
)
LONGEST = replace(
    HONEY,
    code=ItemCode("09520010100015", "W" * 20, "SERIAL-9999999999999"),
    product_name="陵川太行山古法手工慢熬潞党参大黄梨膏礼盒装家庭分享",
    spec="（250克×2瓶＋木勺1把）/盒",
    producer="陵川太行山中药材农民专业合作社联合社（演示）",
    demo=True,
)
PAPER = {key: layout for key, layout in LAYOUTS.items() if layout.output == "pdf"}
EVERY_LAYOUT = pytest.mark.parametrize("layout", PAPER.values(), ids=PAPER)


def serials(count: int) -> list[str]:
    return [f"{number:06d}" for number in range(1, count + 1)]


@EVERY_LAYOUT
@pytest.mark.parametrize("dpi", [150, 300])
def test_every_label_of_a_page_and_a_bit_is_read_back_in_order(
    layout: SheetLayout, dpi: int
) -> None:
    labels = labels_for_serials(HONEY, serials(layout.labels_per_page + 2))
    pdf = label_sheet(labels, layout, host_base=HOST)
    read = [code for page in pages(pdf, dpi) for code in codes(page)]
    assert sorted(read) == [build_uri(HOST, label.code) for label in labels]
    assert parse_uri(read[0]) == labels[0].code


@EVERY_LAYOUT
def test_the_longest_lot_serial_and_names_still_make_a_readable_label(
    layout: SheetLayout,
) -> None:
    pdf = label_sheet([LONGEST], layout, host_base=HOST)
    assert codes(pages(pdf, 200)[0]) == [build_uri(HOST, LONGEST.code)]
    text = page_texts(pdf)[0]
    assert "W" * 20 in text
    assert "SERIAL-9999999999999" in text


@EVERY_LAYOUT
def test_the_words_beside_the_code_are_in_the_text_layer(layout: SheetLayout) -> None:
    label = replace(HONEY, code=replace(HONEY.code, serial="000042"), demo=True)
    text = page_texts(label_sheet([label], layout, host_base=HOST))[0]
    for words in (
        "沁水刺槐成熟蜜",
        "500克/瓶",
        "山西省晋城市沁水县土沃乡",
        "QS20261103A",
        "000042",
        "2026-11-03",
        "2028-11-02",
        "示例蜜源蜂业合作社",
        "扫码看来路",
        "演示",
    ):
        assert words in text, words


def test_the_demo_mark_is_on_demo_goods_only() -> None:
    assert "演示" not in page_texts(label_sheet([HONEY], A4_3X8, host_base=HOST))[0]


def test_goods_without_dates_and_serial_say_nothing_about_them() -> None:
    comb = replace(HONEY, product_name="桑木梳", produced_on=None, best_before=None)
    text = page_texts(label_sheet([comb], ROLL_60X40, host_base=HOST))[0]
    assert "保质期" not in text
    assert "编号" not in text
    assert "QS20261103A" in text


def test_the_fixed_words_can_be_given_in_another_language() -> None:
    english = LabelTexts(lot="Lot", scan="Scan for its story", best_before="Best before")
    text = page_texts(label_sheet([HONEY], ROLL_60X40, host_base=HOST, texts=english))[0]
    assert "Lot QS20261103A" in text
    assert "Scan for its story" in text
    assert "批次" not in text


@EVERY_LAYOUT
def test_a_crooked_faded_and_small_print_is_still_read(layout: SheetLayout) -> None:
    label = replace(HONEY, code=replace(HONEY.code, serial="000042"))
    cell = cut_out(pages(label_sheet([label], layout, host_base=HOST), 300)[0], layout, 300)
    turned = cell.rotate(7, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    blurred = turned.filter(ImageFilter.GaussianBlur(1.6)).point(
        lambda grey: 60 + grey * 160 // 255
    )
    small = blurred.resize((blurred.width * 6 // 10, blurred.height * 6 // 10))
    assert codes(small) == [build_uri(HOST, label.code)]


@EVERY_LAYOUT
def test_every_code_keeps_its_quiet_zone_and_its_size(layout: SheetLayout) -> None:
    uri = build_uri(HOST, replace(HONEY.code, serial="000001"))
    modules, module, _level = code_for(layout, uri)
    assert module >= 0.33
    assert modules.count_with_quiet_zone == modules.count + 8
    if layout.dot_mm:
        assert (module / layout.dot_mm) == pytest.approx(round(module / layout.dot_mm))
    # on paper: nothing but white four modules around the dark square that the reader found
    page = pages(label_sheet(labels_for_serials(HONEY, ["000001"]), layout, host_base=HOST), 600)[0]
    cell = cut_out(page, layout, 600)
    (barcode,) = zxingcpp.read_barcodes(
        cell, formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
    )
    left, top = barcode.position.top_left.x, barcode.position.top_left.y
    right, bottom = barcode.position.bottom_right.x, barcode.position.bottom_right.y
    pixel = (right - left) / modules.count
    assert pixel * 25.4 / 600 >= 0.32  # 0.33 less the reader's own roughness
    near, far = round(pixel * 0.5), round(pixel * 3.7)
    for strip in (
        (left - far, top - far, left - near, bottom + far),
        (right + near, top - far, right + far, bottom + far),
        (left - far, top - far, right + far, top - near),
        (left - far, bottom + near, right + far, bottom + far),
    ):
        assert cell.crop(strip).getextrema() == (255, 255), strip


@EVERY_LAYOUT
def test_a_crooked_cut_takes_nothing_away(layout: SheetLayout) -> None:
    page = pages(label_sheet([LONGEST], layout, host_base=HOST), 300)[0]
    cell = cut_out(page, layout, 300)
    box = Image.eval(cell, lambda grey: 255 - grey).getbbox()
    assert box is not None
    edge = layout.safe_mm * 300 / 25.4 - 2
    assert box[0] >= edge
    assert box[1] >= edge
    assert box[2] <= cell.width - edge
    assert box[3] <= cell.height - edge


def test_labels_lie_inside_their_page() -> None:
    for layout in LAYOUTS.values():
        right = (
            layout.left_mm
            + layout.columns * layout.label_width_mm
            + (layout.columns - 1) * layout.gap_x_mm
        )
        assert right <= layout.page_width_mm
        assert layout.top_mm + layout.rows * layout.label_height_mm <= layout.page_height_mm
    assert A4_3X8.labels_per_page == 24
    assert A4_4X12.labels_per_page == 48


def test_a_used_sheet_is_begun_where_it_has_labels_left() -> None:
    labels = labels_for_serials(HONEY, serials(3))
    pdf = label_sheet(labels, A4_3X8, host_base=HOST, skip=22)
    first, second = pages(pdf, 200)
    assert len(codes(first)) == 2
    assert len(codes(second)) == 1
    assert codes(first.crop((0, 0, first.width, first.height * 7 // 8 - 10))) == []


def test_the_same_labels_give_the_same_bytes() -> None:
    labels = labels_for_serials(HONEY, serials(30))
    assert label_sheet(labels, A4_4X12, host_base=HOST) == label_sheet(
        list(labels), A4_4X12, host_base=HOST
    )


def test_the_face_is_embedded_and_nothing_else_is_named() -> None:
    pdf = label_sheet([HONEY], ROLL_40X30, host_base=HOST)
    assert b"/FontFile2" in pdf
    assert b"Helvetica" not in pdf
    assert pypdfium2.PdfDocument(pdf).get_metadata_value("Title") == "沁水刺槐成熟蜜"


def test_a_thousand_labels_take_seconds() -> None:
    labels = labels_for_serials(HONEY, serials(1000))
    label_sheet(labels[:1], A4_3X8, host_base=HOST)  # the face is loaded once per process
    start = time.process_time()
    pdf = label_sheet(labels, A4_3X8, host_base=HOST)
    assert time.process_time() - start < 6  # about 1.5 s on an idle core
    assert len(pdf) < 1_500_000


@pytest.mark.parametrize(
    ("labels", "skip", "code"),
    [([], 0, "no_labels"), ([HONEY] * 20_001, 0, "no_labels"), ([HONEY], 24, "no_labels")],
)
def test_nothing_too_much_and_a_skip_beyond_the_page_are_refused(
    labels: list[Label], skip: int, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        label_sheet(labels, A4_3X8, host_base=HOST, skip=skip)
    assert refused.value.code == code


def test_an_address_too_long_for_the_label_is_refused() -> None:
    host = "https://" + "a" * 150 + ".example"
    with pytest.raises(Refused) as refused:
        label_sheet([LONGEST], A4_4X12, host_base=host)
    assert refused.value.code == "label_too_small"


def test_a_character_the_face_cannot_show_is_refused_not_printed_as_a_box() -> None:
    with pytest.raises(Refused) as refused:
        label_sheet([replace(HONEY, product_name="蜂蜜🍯")], A4_3X8, host_base=HOST)
    assert refused.value.code == "label_text_unprintable"
    assert "🍯" in str(refused.value)


def cut_out(page: Image.Image, layout: SheetLayout, dpi: int) -> Image.Image:
    """Cut the first label out of a page."""
    left, top = layout.left_mm * dpi / 25.4, layout.top_mm * dpi / 25.4
    width, height = layout.label_width_mm * dpi / 25.4, layout.label_height_mm * dpi / 25.4
    return page.crop((round(left), round(top), round(left + width), round(top + height)))
