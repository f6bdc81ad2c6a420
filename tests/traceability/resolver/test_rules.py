"""Levels, choices and targets, from values alone."""

import pytest

from foundation.errors import BadInput
from traceability.resolver.linktypes import type_name
from traceability.resolver.rules import (
    Level,
    Link,
    Wishes,
    best,
    levels_of,
    linkset,
    must_be_languages,
    must_be_target,
    passed_on,
)

HONEY = ("01", "09520010100015")
CV, LOT, UNIT = ("22", "2A"), ("10", "L1"), ("21", "S1")
ZH = Link("pip", "https://a.example/zh", "中文", ("zh",), "text/html")
EN = Link("pip", "https://a.example/en", "English", ("en-GB",), "text/html")
PDF = Link("pip", "https://a.example/pdf", "PDF", (), "application/pdf")
BARE = Link("pip", "https://a.example/", "Any")


def chosen(*links: Link, media: str = "", languages: str = "") -> tuple[Link, ...]:
    """Choose by ranges such as `en;0.5`, separated by commas."""

    def pairs(text: str) -> tuple[tuple[str, float], ...]:
        parts = [part.partition(";") for part in text.split(",") if part]
        return tuple((name, float(quality or 1)) for name, _mark, quality in parts)

    return best(links, Wishes(pairs(media), pairs(languages)))


def test_a_unit_is_asked_about_at_six_levels_at_most_the_unit_first() -> None:
    assert levels_of((HONEY, CV, LOT, UNIT)) == [
        (HONEY, UNIT),
        (HONEY, CV, LOT),
        (HONEY, CV),
        (HONEY, LOT),
        (HONEY,),
    ]
    assert levels_of((HONEY, ("235", "T"))) == [(HONEY, ("235", "T")), (HONEY,)]
    place = (("414", "9520123456788"), ("254", "C12"))
    assert levels_of(place) == [place, place[:1]]


@pytest.mark.parametrize(
    ("media", "languages", "links", "wanted"),
    [
        ("text/html", "zh-CN,en;0.5", (ZH, EN), (ZH,)),
        ("text/html", "en", (ZH, EN), (EN,)),
        ("text/html", "en-US,zh;0.1", (ZH, EN), (ZH,)),
        ("text/html", "fr", (ZH, EN), (ZH, EN)),
        ("text/html", "fr", (ZH, EN, BARE), (ZH, EN)),
        ("*/*", "", (BARE, ZH), (BARE,)),
        ("application/pdf", "zh", (ZH, PDF), (PDF,)),
        ("text/*;0.9,application/pdf;0.2", "", (ZH, PDF), (ZH,)),
        ("undefined", "", (ZH, BARE), (BARE,)),
        ("undefined", "", (ZH, PDF), (PDF,)),
        ("", "", (ZH, EN), (ZH, EN)),
    ],
)
def test_media_type_decides_first_then_language(
    media: str, languages: str, links: tuple[Link, ...], wanted: tuple[Link, ...]
) -> None:
    assert chosen(*links, media=media, languages=languages) == wanted


def test_a_linkset_has_one_default_and_every_level_under_its_own_anchor() -> None:
    lot = Level("https://h/01/1/10/L", "Honey L", (ZH, EN), ZH)
    item = Level("https://h/01/1", "Honey", (PDF,), PDF)
    written = linkset([lot, item])
    contexts = written["linkset"]
    assert isinstance(contexts, list)
    assert [context["anchor"] for context in contexts] == [lot.anchor, item.anchor]
    default = "https://ref.gs1.org/voc/defaultLink"
    assert contexts[0][default] == [{"href": ZH.href, "title": "中文"}]
    assert default not in contexts[1]
    assert contexts[0]["https://ref.gs1.org/voc/pip"][1]["hreflang"] == ["en-GB"]


def test_a_query_is_passed_on_as_it_was_sent() -> None:
    assert passed_on("https://a/b", "x=%2F;y&z") == "https://a/b?x=%2F;y&z"
    assert passed_on("https://a/b?c=d#e", "x=1") == "https://a/b?c=d&x=1#e"
    assert passed_on("https://a/b", "") == "https://a/b"


@pytest.mark.parametrize(
    "href",
    [
        "",
        "http://shop.example.org/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//shop.example.org/",
        "https://user:pw@shop.example.org/",
        "https://localhost/",
        "https://intranet/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://127.0x1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://10.0.0.8/",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[fd00::1]/",
        "https://printer.local/",
        "https://shop.example.org/a b",
        "https://shop.example.org:99999/",
        "https://shanhuo.example.org/01/09520010100015/10/A",
        "https://shop.example.org/" + "x" * 500,
    ],
)
def test_a_phone_is_not_sent_to_unsafe_places(href: str) -> None:
    with pytest.raises(BadInput):
        must_be_target(href, own_host="shanhuo.example.org", demo=False)


def test_public_pages_and_in_a_demo_this_machine_are_fine() -> None:
    for href in ("https://shop.example.org/a?b=c#d", " https://8.8.8.8/ ", "https://x.cn:8443/"):
        assert must_be_target(href, own_host="h", demo=False) == href.strip()
    assert must_be_target("https://s.cn/p/P01", own_host="s.cn", demo=False)
    assert must_be_target("http://127.0.0.1:8000/p/P01", own_host="127.0.0.1:8000", demo=True)
    with pytest.raises(BadInput):
        must_be_target("javascript:alert(1)", own_host="h", demo=True)


def test_languages_are_tags_and_each_stands_once() -> None:
    assert must_be_languages(" zh, en-GB;zh ") == "zh,en-GB"
    assert must_be_languages("") == ""
    for wrong in ("中文", "zh-Hant", "english", "zh,en,fr,de,it"):
        with pytest.raises(BadInput):
            must_be_languages(wrong)


def test_a_link_type_may_be_asked_for_by_its_short_or_its_full_name() -> None:
    for asked in ("gs1:pip", "https://ref.gs1.org/voc/pip", "https://gs1.org/voc/pip"):
        assert type_name(asked) == "pip"
    for asked in ("pip", "https://schema.org/pip", "gs1:", "gs1:pip/x"):
        assert type_name(asked) is None
