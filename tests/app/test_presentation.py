"""How values look on a page."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, render_template_string, request
from flask_babel import Babel
from flask_wtf import CSRFProtect, FlaskForm
from wtforms import BooleanField, RadioField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, Length

from app.presentation import (
    asset,
    bullet,
    descent,
    here,
    init_presentation,
    label_point,
    limit,
    local_date,
    local_time,
    machine_time,
    money,
    number,
    page_url,
    page_window,
    percent,
    pick,
    quantity,
    shades,
    share,
    ten_thousands,
)

HOUSE = Path(__file__).parents[2]
EVENING = datetime(2026, 11, 23, 16, 5, tzinfo=UTC)


@pytest.fixture
def site() -> Flask:
    found = Flask(
        "gallery",
        template_folder=str(HOUSE / "templates"),
        static_folder=str(HOUSE / "static"),
    )
    found.config.update(SECRET_KEY="only for this test", WTF_CSRF_ENABLED=True)
    Babel(found, locale_selector=lambda: request.args.get("lang", "zh"))
    CSRFProtect(found)
    init_presentation(found)
    found.add_url_rule("/goods", "goods", lambda: "", methods=["GET", "POST"])
    return found


@pytest.fixture
def chinese(site: Flask) -> Iterator[Flask]:
    with site.test_request_context("/goods?kind=honey&kind=tea&page=3"):
        yield site


@pytest.fixture
def english(site: Flask) -> Iterator[Flask]:
    with site.test_request_context("/goods?lang=en"):
        yield site


def test_money_is_written_from_integer_fen_with_two_places() -> None:
    assert [money(0), money(5), money(6800), money(123456700)] == [
        "0.00",
        "0.05",
        "68.00",
        "1,234,567.00",
    ]
    assert money(-250) == "−2.50"
    assert money(123456700, grouped=False) == "1234567.00"
    assert money(None) == "—"


def test_ten_thousands_of_yuan_are_rounded_half_up_to_one_place() -> None:
    assert ten_thousands(71_900_000) == "71.9"
    assert ten_thousands(50_000) == "0.1"
    assert ten_thousands(-1) == "0.0"
    assert ten_thousands(-12_345_678_900) == "−12,345.7"


def test_counts_and_shares_use_grouping_and_a_true_minus() -> None:
    assert number(-12345) == "−12,345"
    assert percent(3, 7) == "42.9%"
    assert percent(3, 0) == "—"
    assert percent(-1, 8, places=2) == "−12.50%"


@pytest.mark.usefixtures("chinese")
def test_quantities_move_up_to_the_larger_unit_without_losing_a_gram() -> None:
    assert quantity(999, "g") == "999 克"
    assert quantity(1500, "g") == "1.5 千克"
    assert quantity(1234567, "g") == "1,234.567 千克"
    assert quantity(2000, "mL") == "2 升"
    assert quantity(12, "piece", "瓶") == "12 瓶"
    assert quantity(-3) == "−3 件"


@pytest.mark.usefixtures("english")
def test_quantities_in_english_use_symbols() -> None:
    assert quantity(1500, "g") == "1.5 kg"
    assert quantity(3) == "3"


@pytest.mark.usefixtures("chinese")
def test_times_are_shown_in_shanghai_and_the_day_follows() -> None:
    assert local_date(EVENING) == "2026年11月24日"
    assert local_time(EVENING) == "2026年11月24日 00:05"
    assert local_date(EVENING, "short") == "11月24日"
    assert local_time(EVENING, "clock") == "00:05"
    assert local_date(date(2028, 6, 1), "iso") == "2028-06-01"
    assert machine_time(EVENING) == "2026-11-23T16:05:00+00:00"


@pytest.mark.usefixtures("english")
def test_english_dates_name_the_month() -> None:
    assert local_date(EVENING) == "24 Nov 2026"
    assert local_time(EVENING, "short") == "24 Nov 00:05"


@pytest.mark.usefixtures("chinese")
def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        local_date(EVENING.replace(tzinfo=None))


def test_texts_are_picked_by_language_and_fall_back_to_the_other(site: Flask) -> None:
    row = SimpleNamespace(name_zh="蜂蜜", name_en="Honey", note_zh="只有中文", note_en="")
    with site.test_request_context("/"):
        assert pick(row, "name") == "蜂蜜"
    with site.test_request_context("/?lang=en"):
        assert pick(row, "name") == "Honey"
        assert pick(row, "note") == "只有中文"
        assert pick({"name_zh": "蜂蜜"}, "name") == "蜂蜜"
        assert pick({}, "name") == ""


@pytest.mark.usefixtures("chinese")
def test_a_changed_filter_starts_at_the_first_page_and_keeps_the_others() -> None:
    assert page_url(page=4) == "/goods?kind=honey&kind=tea&page=4"
    assert page_url(county="140521") == "/goods?kind=honey&kind=tea&county=140521"
    assert page_url(kind=None) == "/goods"
    assert here() == "/goods?kind=honey&kind=tea&page=3"


def test_a_page_that_was_posted_to_is_no_address_to_come_back_to(site: Flask) -> None:
    with site.test_request_context("/goods", method="POST"):
        assert here() == "/"


@pytest.mark.parametrize(
    ("page", "pages", "shown"),
    [
        (1, 1, [1]),
        (1, 3, [1, 2, 3]),
        (5, 20, [1, None, 4, 5, 6, None, 20]),
        (3, 5, [1, 2, 3, 4, 5]),
        (20, 20, [1, None, 19, 20]),
    ],
)
def test_a_pager_keeps_both_ends_and_the_neighbours(
    page: int, pages: int, shown: list[int | None]
) -> None:
    assert page_window(page, pages) == shown


def test_bars_are_scaled_to_the_larger_of_value_and_plan() -> None:
    assert (bullet(294, 362).width, bullet(294, 362).tick) == (81.2, 99.0)
    assert bullet(400, 300).width == 100.0
    assert bullet(0, 0).width == 0.0
    assert share(3, 0) == 0.0
    assert limit(17.2, 18).width < limit(17.2, 18).tick
    assert limit(71.3, 60, at_most=False).width > limit(71.3, 60, at_most=False).tick
    assert limit(900, 18).width == 100.0


def test_shades_are_equal_parts_of_the_largest_value() -> None:
    assert shades([12.3, 71.9, 64.2, 86.4, 31.5, 38.7]) == [1, 4, 3, 4, 2, 2]
    assert shades([0, 0]) == [1, 1]
    assert shades([]) == []


def test_a_name_is_placed_inside_its_outline_and_not_in_its_hole() -> None:
    x, y = label_point("M0 0L100 0L100 100L0 100Z M30 0L100 0L100 70L30 70Z")
    assert x < 30 or y > 70
    assert 0 < x < 100
    assert 0 < y < 100
    assert label_point("") == (0.0, 0.0)


def test_the_way_down_starts_on_the_ridge_and_ends_in_town() -> None:
    way = descent(4)
    assert len(way.spots) == 4
    assert way.spots == sorted(way.spots)
    assert way.spots[0][1] < way.spots[-1][1]
    assert way.line.count("C") == 3


@pytest.mark.usefixtures("chinese")
def test_files_carry_their_fingerprint_and_missing_ones_none() -> None:
    assert re.fullmatch(r"/static/img/icons\.svg\?v=[0-9a-f]{12}#ok", asset("img/icons.svg#ok"))
    assert asset("vendor/not-built.js") == "/static/vendor/not-built.js"


class Order(FlaskForm):  # type: ignore[misc]
    """A few fields of each kind."""

    phone = StringField("手机", validators=[DataRequired(), Length(min=11, message="要 11 位")])
    door = StringField("门牌")
    pack = RadioField(
        "规格",
        choices=[SelectChoice("a", "250g"), SelectChoice("b", "500g")],
        validators=[DataRequired()],
    )
    agreed = BooleanField("我知道", validators=[DataRequired(message="请先确认")])


def test_a_refused_field_keeps_what_was_typed_and_names_its_error(site: Flask) -> None:
    with site.test_request_context("/", method="POST", data={"phone": "1391234"}):
        form: Any = Order(meta={"csrf": False})
        assert not form.validate()
        page = render_template_string(
            '{% import "macros/ui.html" as ui %}'
            '{{ ui.field(form.phone, hint="只给送货的人看", autocomplete="tel") }}'
            "{{ ui.field(form.door) }}{{ ui.field(form.pack) }}{{ ui.field(form.agreed) }}",
            form=form,
        )
    assert 'value="1391234"' in page
    assert 'aria-describedby="phone-error phone-hint"' in page
    assert 'id="phone-error"' in page
    assert 'autocomplete="tel"' in page
    assert page.count('aria-invalid="true"') == 4
    assert page.count("optional") == 1


def test_prices_are_ink_with_small_fen(site: Flask) -> None:
    with site.test_request_context("/"):
        page = render_template_string(
            '{% import "macros/ui.html" as ui %}{{ ui.price(128800, big=true) }}'
        )
    assert page == '<span class="price big"><i>¥</i>1,288<i>.00</i></span>'


def test_a_map_links_every_county_and_says_its_value_in_words(site: Flask) -> None:
    cell = {
        "name": "沁水县",
        "shape": "M0 0L9 0L9 9Z",
        "text": "71.9",
        "level": 4,
        "href": "/counties/140521",
    }
    with site.test_request_context("/"):
        page = render_template_string(
            '{% import "macros/ui.html" as ui %}{{ ui.county_map([cell], "销售", unit="万元") }}',
            cell=cell,
        )
    assert '<a href="/counties/140521" aria-label="沁水县: 71.9 万元">' in page
    assert "Schematic map" in page


@pytest.mark.parametrize("layout", ["shop", "trace", "till", "office", "coop", "plain"])
def test_every_layout_stands_alone_without_doors_scripts_or_styles_inline(
    site: Flask, layout: str
) -> None:
    with site.test_request_context("/?lang=en"):
        page = render_template_string(
            f'{{% extends "layouts/{layout}.html" %}}'
            "{% block title %}Title{% endblock %}{% block content %}<h1>Here</h1>{% endblock %}"
        )
    assert '<html lang="en">' in page
    assert '<main id="main"' in page or 'id="main"' in page
    assert "<h1>Here</h1>" in page
    assert " style=" not in page
    assert not re.search(r"\son\w+=", page)
    assert all(" nonce=" in tag for tag in re.findall(r"<script[^>]*>", page))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 503])
def test_an_error_page_says_what_happened_and_leads_back(site: Flask, status: int) -> None:
    with site.test_request_context("/"):
        page = render_template_string(
            '{% include "errors/error.html" %}',
            status=status,
            message="There is nothing at this address",
            code="not_found",
            request_id="a1b2c3",
        )
    assert "There is nothing at this address" in page
    assert "a1b2c3" in page
    assert 'href="/"' in page


ICONS = (HOUSE / "static/img/icons.svg").read_text("utf-8")
DRAWINGS = HOUSE / "static/img/illustrations"
NAMED: dict[str, Callable[[str], bool]] = {
    r"""asset\(["']([\w/.-]+)(?:#\w+)?["']\)""": lambda name: (
        name.startswith("vendor/") or (HOUSE / "static" / name).is_file()
    ),
    r"""\bicon\(["'](\w+)["']""": lambda name: f'id="{name}"' in ICONS,
    r"""\b(?:drawing|illustration)\(["']([\w-]+)["']""": lambda name: (
        DRAWINGS / f"{name}.svg"
    ).is_file(),
}


def test_every_file_icon_and_drawing_that_a_template_names_is_there() -> None:
    missing = [
        f"{template.relative_to(HOUSE)}: {name}"
        for template in (HOUSE / "templates").rglob("*.html")
        for pattern, is_there in NAMED.items()
        for name in re.findall(pattern, template.read_text("utf-8"))
        if not is_there(name)
    ]
    assert missing == []


def test_every_drawing_that_the_seed_data_names_is_there() -> None:
    named = set()
    for source in ("products.json", "categories.json"):
        text = (HOUSE / "data/region" / source).read_text("utf-8")
        named |= set(re.findall(r'"illustration": "([^"]*)"', text))
    assert named
    assert {name for name in named if not (DRAWINGS / f"{name}.svg").is_file()} == set()


def test_no_drawing_uses_what_the_content_policy_forbids() -> None:
    for drawing in DRAWINGS.glob("*.svg"):
        text = drawing.read_text("utf-8")
        assert " style=" not in text
        assert "<script" not in text
        assert 'id="i"' in text, drawing.name


def test_every_sentence_of_layouts_and_macros_has_its_chinese() -> None:
    from tools.check_translations import faults

    ours = ("templates/layouts/", "templates/macros/", "templates/errors/")
    assert [line for line in faults() if line.startswith(ours)] == []


def test_a_minute_is_cut_and_never_rounded_up() -> None:
    moment = EVENING + timedelta(seconds=59)
    assert local_time(moment, "clock") == "00:05"
