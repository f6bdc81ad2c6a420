"""A label without Chinese is no label: the face is found or the refusal names the package."""

from pathlib import Path

import pytest

from traceability.labels.fonts import (
    KNOWN_PLACES,
    LabelFontMissing,
    LabelTextUnprintable,
    find_label_font,
    label_face,
    must_be_printable,
)


def test_a_machine_without_a_chinese_face_is_told_which_package_to_install(tmp_path: Path) -> None:
    with pytest.raises(LabelFontMissing) as refused:
        find_label_font({}, [str(tmp_path / "none.ttf")])
    assert refused.value.code == "label_font_missing"
    assert refused.value.status == 503
    assert "fonts-wqy-microhei" in str(refused.value)


def test_a_wrong_setting_shows_instead_of_being_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font at all")
    for named in (broken, tmp_path / "none.ttf"):
        with pytest.raises(LabelFontMissing):
            find_label_font({"LABEL_FONT": str(named)})


def test_a_face_without_chinese_is_not_taken() -> None:
    latin = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    if not latin.is_file():
        pytest.skip("no Latin-only face on this machine")
    found = find_label_font({})
    assert find_label_font({}, [str(latin), str(found)]) == found


def test_the_setting_names_the_face(monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_label_font({})
    assert str(found) in KNOWN_PLACES
    monkeypatch.setenv("LABEL_FONT", str(found))
    assert find_label_font() == found
    assert label_face() is label_face()


def test_every_county_and_every_word_of_the_labels_can_be_printed() -> None:
    must_be_printable(label_face(), "沁水陵川阳城高平泽州晋城城区潞党参槐蜜黍稷荞麦·（）×℃")
    with pytest.raises(LabelTextUnprintable):
        must_be_printable(label_face(), "🍯")
