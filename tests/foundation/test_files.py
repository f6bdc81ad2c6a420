"""Uploaded files: told by their first bytes, kept by their content, never too large."""

from pathlib import Path

import pytest

from foundation.errors import NotFound
from foundation.files import MOST_BYTES, FileRefused, find, keep

PNG = (
    b"\x89PNG\r\n\x1a\n"
    + (b"\0\0\0\0IHDR" + b"0" * 4)
    + (b"\0\0\0\x04tEXtHome" + b"1" * 4)
    + (b"\0\0\0\0IEND" + b"2" * 4)
)


def test_the_same_content_is_the_same_file_whatever_it_was_called(tmp_path: Path) -> None:
    first, again = keep(tmp_path, PNG), keep(tmp_path, PNG)
    assert first == again
    assert first.media_type == "image/png"
    assert find(tmp_path, first.key).path.read_bytes() == PNG.replace(PNG[20:36], b"")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize("content", [b"", b"MZ\x90", b"<svg/>", b"%PDF-" + b"0" * MOST_BYTES])
def test_other_kinds_and_too_much_are_refused_and_nothing_is_kept(
    tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(FileRefused):
        keep(tmp_path, content)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["../../etc/passwd", "a.pdf", f"{'0' * 64}.exe", f"{'0' * 64}.pdf"])
def test_keys_that_name_no_kept_file_find_nothing(tmp_path: Path, key: str) -> None:
    with pytest.raises(NotFound):
        find(tmp_path, key)
