"""A ZPL file is right when another program prints it and a third one reads what was asked for."""

from dataclasses import replace
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image, ImageChops

from tests.traceability.labels.test_case import CASE
from tests.traceability.labels.test_sheet import HONEY, HOST, LONGEST
from tests.traceability.labels.zebra import formats, graphic
from traceability.digital_link import build_uri
from traceability.labels.layouts import LAYOUTS, SheetLayout
from traceability.labels.sheet import labels_for_serials
from traceability.labels.zpl import ZplSheet, case_zpl
from traceability.labels.zpl import graphic as packed

ZPL = {key: layout for key, layout in LAYOUTS.items() if layout.output == "zpl"}
EVERY_LAYOUT = pytest.mark.parametrize("layout", ZPL.values(), ids=ZPL)


def zpl(layout: SheetLayout, *labels: object) -> bytes:
    out = BytesIO()
    ZplSheet(out, layout, host_base=HOST).add(labels)  # type: ignore[arg-type]
    return out.getvalue()


def texts(paper: Image.Image) -> list[str]:
    return sorted(code.text for code in zxingcpp.read_barcodes(paper))


@EVERY_LAYOUT
def test_every_label_is_a_format_of_its_own_and_its_code_is_read_back(layout: SheetLayout) -> None:
    labels = labels_for_serials(HONEY, ["000001", "000002", "000003"])
    printed = formats(zpl(layout, *labels))
    assert [texts(one.print()) for one in printed] == [
        [build_uri(HOST, label.code)] for label in labels
    ]
    assert [one.said("FD")[-1] for one in printed] == ["000001", "000002", "000003"]


@EVERY_LAYOUT
def test_the_longest_names_and_numbers_still_make_a_readable_label(layout: SheetLayout) -> None:
    (one,) = formats(zpl(layout, LONGEST))
    assert texts(one.print()) == [build_uri(HOST, LONGEST.code)]


@EVERY_LAYOUT
def test_words_are_sent_as_a_graphic_beside_the_code_and_inside_the_label(
    layout: SheetLayout,
) -> None:
    (one,) = formats(zpl(layout, replace(HONEY, demo=True)))
    (words,) = one.said("GFA")
    left, top = (int(part) for part in one.said("FO")[0].split(","))
    drawn = graphic(words)
    assert left + drawn.width <= int(one.said("PW")[0]) + 8  # whole bytes
    assert top + drawn.height <= int(one.said("LL")[0])
    assert drawn.getbbox() is not None
    # of another name, another graphic; the code stays where it is
    (other,) = formats(zpl(layout, replace(HONEY, demo=True, product_name="陵川党参")))
    assert other.said("GFA") != [words]
    assert other.said("FO")[1] == one.said("FO")[1]


def test_a_graphic_is_unpacked_to_the_dots_that_went_in() -> None:
    picture = Image.new("1", (801, 40), 1)
    picture.paste(0, (3, 5, 9, 30))
    picture.paste(0, (16, 8, 790, 12))
    picture.paste(0, (795, 39, 796, 40))
    field = packed(picture)
    assert field.startswith("^FO0,5^GFA,")
    back = Image.new("L", picture.size, 255)
    back.paste(0, (0, 5), graphic(field.removeprefix("^FO0,5^GFA,").removesuffix("^FS")))
    assert ImageChops.difference(back, picture.convert("L")).getbbox() is None
    assert packed(Image.new("1", (80, 40), 1)) == ""


def test_signs_that_zpl_takes_for_commands_are_written_by_number() -> None:
    odd = replace(HONEY, code=replace(HONEY.code, lot="A_1"))
    (one,) = formats(zpl(ZPL["zpl-60x40"], odd))
    assert "A_5F1" in one.said("FD")[0]
    assert texts(one.print()) == [build_uri(HOST, odd.code)]


def test_the_label_of_a_case_has_its_sscc_twice() -> None:
    (one,) = formats(case_zpl([CASE], host_base=HOST))
    read = {code.format: code.text for code in zxingcpp.read_barcodes(one.print())}
    assert read[zxingcpp.BarcodeFormat.QRCode] == build_uri(HOST, CASE.code)
    bars = next(text for kind, text in read.items() if kind != zxingcpp.BarcodeFormat.QRCode)
    assert bars == f"(00){CASE.code.sscc}"
    assert one.said("BY") == ["4"]  # 0.5 mm: GS1 asks 0.495 to 0.94
