"""How a log lies in files: C2SP tlog-tiles, 256 hashes to a tile. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

WIDTH = 256
HEIGHT = 8
MOST_LEVEL = 63
ENTRIES = -1
"""The level of entry bundles, which lie beside the tiles of level 0."""

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)
_LENGTH = Struct(">H")
LONGEST_ENTRY = 0xFFFF


class TileRefused(ValueError):  # noqa: N818 -- "no" is called refused in this house
    """Not the address of a tile, or not what a tile holds."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: its level (ENTRIES for a bundle of entries), its index, how many it holds."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Give its address below the log's prefix."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_numbered(self.index)}{partial}"

    @property
    def full(self) -> bool:
        """Tell whether nothing can be added to it."""
        return self.width == WIDTH


def _numbered(index: int) -> str:
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03d}")
    return "/".join(reversed(parts))


def parse_path(path: str) -> Tile:
    """Read the address of a tile, strictly: one tile has one address."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise TileRefused("this is not the address of a tile")
    level = ENTRIES if found["level"] == "entries" else int(found["level"])
    index = int(found["index"].replace("x", "").replace("/", ""))
    width = int(found["width"] or WIDTH)
    tile = Tile(level, index, width)
    # A leading x000 or a width of 256 would be a second address of the same tile.
    if level > MOST_LEVEL or index >= 1 << 63 or tile.path != path:
        raise TileRefused("this is not the address of a tile")
    return tile


def width_at(level: int, index: int, size: int) -> int:
    """Give how many hashes tile (level, index) holds in a tree of `size`; 0 when there is none."""
    count = size >> (HEIGHT * max(level, 0))
    return max(0, min(WIDTH, count - index * WIDTH))


def tiles_of(size: int) -> Iterator[Tile]:
    """Give every tile of a tree of `size`, full and partial, and its bundles of entries."""
    yield from _row(ENTRIES, size)
    level = 0
    while size >> (HEIGHT * level):
        yield from _row(level, size)
        level += 1


def _row(level: int, size: int) -> Iterator[Tile]:
    count = size >> (HEIGHT * max(level, 0))
    for index in range((count + WIDTH - 1) // WIDTH):
        yield Tile(level, index, min(WIDTH, count - index * WIDTH))


def bundle(entries: list[bytes]) -> bytes:
    """Write entries as a bundle: each after its length in two bytes, big-endian."""
    if any(len(entry) > LONGEST_ENTRY for entry in entries):
        raise TileRefused("an entry has more than 65,535 bytes")
    return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)


def unbundle(data: bytes) -> list[bytes]:
    """Read the entries of a bundle; raise TileRefused when it is cut short."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise TileRefused("the bundle is cut short")
        (length,) = _LENGTH.unpack_from(data, at)
        at += 2
        if at + length > len(data):
            raise TileRefused("the bundle is cut short")
        entries.append(data[at : at + length])
        at += length
    return entries
