"""What cameras and programs write into pictures beside the picture: taken out before it is kept.

A photograph says where and when it was taken and with whose phone. Of JPEG (ITU-T T.81 annex B,
Exif 2.3) all application segments but JFIF, Adobe and colour profiles go, and comments; only which
way is up is written anew. Of PNG (W3C PNG third edition) texts, times and Exif go. The picture
itself stays byte by byte. PDF documents are kept as they are: changing them would break signatures.
"""

import struct
from typing import Final

from foundation.errors import BadInput

JPEG: Final = b"\xff\xd8"
PNG: Final = b"\x89PNG\r\n\x1a\n"
_SOS, _EOI, _COM, _APP1 = 0xDA, 0xD9, 0xFE, 0xE1
_KEPT_APPS: Final = ((0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (0xEE, b"Adobe"))
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_TOLD: Final = frozenset({b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf"})
_EXIF: Final = b"Exif\0\0"
_ORIENTATION: Final = 0x0112
_SHORT: Final = 3
_TURNS: Final = range(2, 9)


class PictureBroken(BadInput):
    """The picture ends early or is not what it says it is."""

    code = "picture_broken"


def without_metadata(content: bytes) -> bytes:
    """Give a JPEG or PNG without what it says beside the picture; anything else unchanged.

    Raises PictureBroken.
    """
    try:
        if content.startswith(JPEG):
            return _jpeg(content)
        if content.startswith(PNG):
            return _png(content)
    except (struct.error, IndexError) as error:
        raise _broken() from error
    return content


def _broken() -> PictureBroken:
    return PictureBroken("This picture is damaged; please take it anew", field="file")


def _jpeg(content: bytes) -> bytes:
    kept, turn, at, marker = [], 1, 2, 0
    while marker != _SOS:
        marker, at, segment = _segment(content, at)
        body = segment[4:]
        if marker == _APP1 and body.startswith(_EXIF):
            turn = _orientation(body[len(_EXIF) :])
        elif _is_kept(marker, body):
            kept.append(segment)
        at += len(segment)
    end = content.rfind(bytes((0xFF, _EOI)), at)
    if end < 0:
        raise _broken()
    # behind the end some phones hang a film and a second picture with all its data
    return b"".join((JPEG, _upright(turn), *kept, content[at : end + 2]))


def _segment(content: bytes, at: int) -> tuple[int, int, bytes]:
    """Read the segment at `at`, past what fills the space before it: marker, place, all of it."""
    while content[at] == 0xFF and (content[at + 1] == 0xFF or content[at + 1] in _ALONE):  # noqa: PLR2004 -- how markers begin
        at += 1 if content[at + 1] == 0xFF else 2  # noqa: PLR2004 -- likewise
    marker = content[at + 1]
    (length,) = struct.unpack_from(">H", content, at + 2)
    segment = content[at : at + 2 + length]
    whole = content[at] == 0xFF and length >= 2 and len(segment) == 2 + length  # noqa: PLR2004 -- the length counts itself
    if not whole or marker == _EOI:
        raise _broken()
    return marker, at, segment


def _is_kept(marker: int, body: bytes) -> bool:
    if marker == _COM:
        return False
    if 0xE0 <= marker <= 0xEF:  # noqa: PLR2004 -- APP0 to APP15
        return any(marker == app and body.startswith(name) for app, name in _KEPT_APPS)
    return True


def _orientation(tiff: bytes) -> int:
    """Read which way is up from Exif, 1 to 8; 1 where it does not say."""
    try:
        order = {b"II": "<", b"MM": ">"}[tiff[:2]]
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for n in range(count):
            tag, kind = struct.unpack_from(f"{order}HH", tiff, first + 2 + 12 * n)
            if (tag, kind) == (_ORIENTATION, _SHORT):
                (turn,) = struct.unpack_from(f"{order}H", tiff, first + 10 + 12 * n)
                return int(turn)
    except (KeyError, struct.error):
        return 1
    return 1


def _upright(turn: int) -> bytes:
    """Write an Exif segment that says nothing but which way is up; none where that is as usual."""
    if turn not in _TURNS:
        return b""
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, _SHORT, 1, turn, 0, 0)
    body = _EXIF + tiff
    return bytes((0xFF, _APP1)) + struct.pack(">H", len(body) + 2) + body


def _png(content: bytes) -> bytes:
    kept, at = [PNG], len(PNG)
    while True:
        length, kind = struct.unpack_from(">I4s", content, at)
        chunk = content[at : at + 12 + length]
        if len(chunk) < 12 + length:
            raise _broken()
        if kind not in _TOLD:
            kept.append(chunk)
        at += len(chunk)
        if kind == b"IEND":
            return b"".join(kept)
