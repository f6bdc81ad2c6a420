"""Compiles every translations/*/LC_MESSAGES/*.po to the .mo file that the program reads.

A .mo file newer than its .po is left alone, so running this before every start costs nothing.
"""

import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

HOUSE = Path(__file__).parents[1]


def compile_all(folder: Path = HOUSE / "translations") -> list[Path]:
    """Compile what changed and give the files written. A faulty .po raises `PoFileError`."""
    written = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        with source.open("rb") as stream:
            catalogue = read_po(stream, locale=source.parts[-3], abort_invalid=True)
        fresh = target.with_suffix(".mo.new")
        with fresh.open("wb") as stream:
            write_mo(stream, catalogue)
        fresh.replace(target)
        written.append(target)
    return written


if __name__ == "__main__":
    for path in compile_all():
        print(path.relative_to(HOUSE), file=sys.stderr)
