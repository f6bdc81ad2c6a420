"""The styled code looks like the house and still reads like any other."""

import io
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
import zxingcpp
from PIL import Image, ImageFilter

from foundation.errors import Refused
from tests.traceability.labels.printed import codes, page_texts, pages
from traceability.digital_link import ItemCode, build_uri
from traceability.labels.image import ShelfCard, shelf_card, styled_qr_png, styled_qr_svg

HOST = "https://shanhuo.jincheng.example"
LOT = build_uri(HOST, ItemCode("09520010100015", "QS20261103A"))
LONGEST = build_uri(HOST, ItemCode("09520010100015", "W" * 20, "9" * 20))
CARD = ShelfCard(
    ItemCode("09520010100015"),
    "沁水刺槐成熟蜜",
    "500克/瓶",
    "山西省晋城市沁水县土沃乡",
    "沁水",
    "沁水县示例蜜源蜂业专业合作社",
    6800,
    "瓶",
    "¥13.60/100克",
)


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


@pytest.mark.parametrize("uri", [LOT, LONGEST])
@pytest.mark.parametrize("width", [300, 1000, 4000])
def test_the_picture_is_read_at_every_size(uri: str, width: int) -> None:
    picture = opened(styled_qr_png(uri, title="沁水刺槐成熟蜜", width_px=width))
    assert width * 0.8 <= picture.width <= width
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [uri]


def test_the_picture_is_read_crooked_faded_and_small() -> None:
    picture = opened(styled_qr_png(LOT, title="沁水刺槐成熟蜜", demo=True)).convert("L")
    turned = picture.rotate(7, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    faded = turned.filter(ImageFilter.GaussianBlur(4)).point(lambda grey: 60 + grey * 6 // 10)
    assert codes(faded.resize((faded.width // 3, faded.height // 3))) == [LOT]


def test_a_fifth_of_the_modules_may_be_lost() -> None:
    """Error correction Q: a thumb on the corner that has no mark leaves the rest readable."""
    picture = opened(styled_qr_png(LOT, title="沁水刺槐成熟蜜")).convert("L")
    side = picture.width
    thumb = Image.new("L", (side // 5, side // 5), 200)
    picture.paste(thumb, (side * 7 // 10, side * 7 // 10))
    assert codes(picture) == [LOT]


def test_the_picture_has_the_ink_of_the_house_and_a_white_quiet_zone() -> None:
    picture = opened(styled_qr_png(LOT, title="沁水刺槐成熟蜜"))
    colours = {colour: count for count, colour in picture.getcolors(100_000) or []}
    assert colours[(0x1C, 0x4F, 0x5C)] > picture.width**2 // 5
    (code,) = zxingcpp.read_barcodes(picture)
    margin = code.position.top_left.x - 4
    assert picture.crop((0, 0, margin, picture.width)).convert("L").getextrema() == (255, 255)


def test_the_same_picture_has_the_same_bytes() -> None:
    assert styled_qr_png(LOT, title="蜜") == styled_qr_png(LOT, title="蜜")
    assert styled_qr_svg(LOT, title="蜜") == styled_qr_svg(LOT, title="蜜")


def test_a_picture_too_small_for_its_code_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        styled_qr_png(LONGEST, title="蜜", width_px=200)
    assert refused.value.code == "label_too_small"


def test_the_drawing_obeys_a_strict_content_policy_and_escapes_names() -> None:
    svg = styled_qr_svg(LOT, title='<script>"蜜"&', demo=True)
    root = ET.fromstring(svg)  # noqa: S314 -- our own output
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == '<script>"蜜"& 扫码看来路 · 演示'
    tags = {element.tag.rsplit("}", 1)[-1] for element in root.iter()}
    assert tags == {"svg", "rect", "path", "text"}
    assert "style" not in {name for element in root.iter() for name in element.attrib}


@pytest.mark.parametrize("uri", [LOT, LONGEST])
def test_the_drawing_shows_the_same_code(uri: str) -> None:
    """Squares of the drawing's outline, filled again by another program, are read."""
    svg = styled_qr_svg(uri, title="沁水刺槐成熟蜜")
    (path,) = re.findall(r' d="([^"]+)"', svg)
    side = int(re.findall(r'viewBox="0 0 (\d+) ', svg)[0])
    scale = 8
    picture = Image.new("L", (side * scale, side * scale), 255)
    for outline in re.findall(r"M[^Z]+Z", path):
        numbers = [float(number) for number in re.findall(r"[MHV](-?[\d.]+)", outline)]
        ys = [float(y) for y in re.findall(r"M[\d.]+ ([\d.]+)", outline)]
        xs = [float(x) for x in re.findall(r"H([\d.]+)", outline)]
        verticals = [float(y) for y in re.findall(r"V([\d.]+)", outline)]
        assert numbers
        arcs = [tuple(map(float, arc)) for arc in re.findall(r"0 0 1 ([\d.]+) ([\d.]+)", outline)]
        every_x = [*xs, *(x for x, _y in arcs)]
        every_y = [*ys, *verticals, *(y for _x, y in arcs)]
        left, right = min(every_x), max(every_x)
        top, bottom = min(every_y), max(every_y)
        ink = 255 if right - left == 5 else 0
        picture.paste(
            ink,
            (round(left * scale), round(top * scale), round(right * scale), round(bottom * scale)),
        )
    assert codes(picture) == [uri]


def test_a_shelf_card_names_goods_price_and_origin_and_its_code_is_read() -> None:
    demo = replace(CARD, demo=True, county="沁水")
    pdf = shelf_card(demo, host_base=HOST)
    assert codes(pages(pdf, 200)[0]) == [f"{HOST}/01/09520010100015"]
    text = page_texts(pdf)[0]
    for words in (
        "沁水刺槐成熟蜜",
        "¥68.00",
        "/瓶",
        "¥13.60/100克",
        "500克/瓶",
        "山西省晋城市沁水县土沃乡",
        "沁水县示例蜜源蜂业专业合作社",
        "扫码看来路",
        "演示",
    ):
        assert words in text, words


def test_cards_of_a_shelf_come_one_to_a_page_and_the_same_again() -> None:
    long = replace(
        CARD, product_name="陵川太行山古法手工慢熬潞党参大黄梨膏礼盒装家庭分享", price_fen=None
    )
    pdf = shelf_card(CARD, long, host_base=HOST)
    assert pdf == shelf_card(CARD, long, host_base=HOST)
    first, second = page_texts(pdf)
    assert "演示" not in first
    assert "¥" not in second
    assert [codes(page) for page in pages(pdf, 300)] == [[f"{HOST}/01/09520010100015"]] * 2


def test_cards_for_nothing_or_with_an_endless_address_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        shelf_card(host_base=HOST)
    assert refused.value.code == "no_labels"
    with pytest.raises(Refused) as refused:
        shelf_card(CARD, host_base="https://" + "a" * 1200)
    assert refused.value.code == "label_too_small"
