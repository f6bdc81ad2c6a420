"""Files that people upload: kept by the print of their content, of three kinds, never too large."""

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from foundation.errors import BadInput, NotFound
from foundation.metadata import without_metadata

MOST_BYTES = 5 * 1024 * 1024
KINDS = {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png"}
_BEGINNINGS = ((b"%PDF-", "pdf"), (b"\xff\xd8\xff", "jpg"), (b"\x89PNG\r\n\x1a\n", "png"))
_KEY = re.compile(r"[0-9a-f]{64}\.(pdf|jpg|png)")


class FileRefused(BadInput):
    """The file is of another kind or too large."""

    code = "file_refused"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A kept file: its key, media type and place on disk."""

    key: str
    media_type: str
    path: Path


def sniff(content: bytes) -> str:
    """Tell by its first bytes whether a file is pdf, jpg or png; raise FileRefused otherwise."""
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    raise FileRefused("Please choose a PDF, JPG or PNG file", field="file")


def keep(folder: Path, content: bytes) -> StoredFile:
    """Keep `content` under `folder`; the same content again is the same file.

    Pictures are kept without what cameras write into them. Raises FileRefused when it is empty,
    larger than 5 MB, or no PDF, JPG or PNG, PictureBroken when it is a picture cut off.
    """
    if not content:
        raise FileRefused("This file is empty", field="file")
    if len(content) > MOST_BYTES:
        raise FileRefused("This file is larger than 5 MB", field="file")
    kind = sniff(content)
    content = without_metadata(content)
    key = f"{hashlib.sha256(content).hexdigest()}.{kind}"
    path = _path(folder, key)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # written aside and renamed, so that no reader ever meets half a file
        handle, aside = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        Path(aside).replace(path)
    return StoredFile(key, KINDS[kind], path)


def find(folder: Path, key: str) -> StoredFile:
    """Give the file kept under `key`; raise NotFound."""
    if not _KEY.fullmatch(key):
        raise NotFound("There is no such file")
    path = _path(folder, key)
    if not path.is_file():
        raise NotFound("There is no such file")
    return StoredFile(key, KINDS[key.rpartition(".")[2]], path)


def _path(folder: Path, key: str) -> Path:
    return folder / key[:2] / key
