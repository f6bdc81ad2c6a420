"""The check that every sentence has its Chinese, and the compiler of translations."""

import gettext
import os
from pathlib import Path

import pytest

from tools.check_translations import faults, sentences
from tools.compile_translations import compile_all

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Language: zh\\n"\n\n'


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "goods").mkdir()
    (tmp_path / "translations/zh/LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "templates/page.html").write_text("<p>{{ _('Put it in the basket') }}</p>")
    (tmp_path / "goods/errors.py").write_text(
        "class Refused(Exception): ...\n"
        "class SoldOut(Refused): ...\n"
        "class AllGone(SoldOut): ...\n"
        "def sell():\n"
        "    raise AllGone('Only %(left)s are left', left=1)\n"
        "def fail():\n"
        "    raise ValueError('not for readers')\n"
    )
    return tmp_path


def write(house: Path, domain: str, pairs: dict[str, str]) -> Path:
    target = house / f"translations/zh/LC_MESSAGES/{domain}.po"
    body = "\n".join(f'msgid "{text}"\nmsgstr "{said}"\n' for text, said in pairs.items())
    target.write_text(HEAD + body, "utf-8")
    return target


def test_sentences_come_from_pages_and_from_refusals_but_not_from_faults(house: Path) -> None:
    assert {each.text for each in sentences(house)} == {
        "Put it in the basket",
        "Only %(left)s are left",
    }


def test_a_sentence_without_chinese_is_named_with_its_place(house: Path) -> None:
    write(house, "shop", {"Put it in the basket": "放进购物篮"})
    assert faults(house) == ["goods/errors.py:5: no Chinese for 'Only %(left)s are left'"]


def test_a_translation_in_any_domain_counts(house: Path) -> None:
    write(house, "shop", {"Put it in the basket": "放进购物篮"})
    write(house, "wings", {"Only %(left)s are left": "只剩 %(left)s 件"})
    assert faults(house) == []


def test_an_invented_parameter_and_two_different_sayings_are_faults(house: Path) -> None:
    write(
        house,
        "shop",
        {"Put it in the basket": "放进购物篮", "Only %(left)s are left": "只剩 %(rest)s 件"},
    )
    write(house, "wings", {"Put it in the basket": "加入购物车"})
    found = faults(house)
    assert len(found) == 2
    assert any("uses a parameter" in line for line in found)
    assert any("said differently in shop, wings" in line for line in found)


def test_compiling_writes_what_changed_and_leaves_the_rest(house: Path) -> None:
    source = write(house, "shop", {"Put it in the basket": "放进购物篮"})
    assert compile_all(house / "translations") == [source.with_suffix(".mo")]
    assert compile_all(house / "translations") == []
    with source.with_suffix(".mo").open("rb") as stream:
        assert gettext.GNUTranslations(stream).gettext("Put it in the basket") == "放进购物篮"
    later = source.with_suffix(".mo").stat().st_mtime_ns + 1_000_000_000
    os.utime(source, ns=(later, later))
    assert compile_all(house / "translations") == [source.with_suffix(".mo")]
