"""Lists as files: CSV in UTF-8 with a byte-order mark, so that spreadsheets read the Chinese."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime

from flask import Response, stream_with_context
from sqlalchemy.orm import Session

from foundation import clock
from foundation.money import yuan
from foundation.web import reading

RISKY = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so would be run as a formula."""


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Give `rows` under `header` as a file to be saved as `name`.csv."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_cell(each) for each in header])
    writer.writerows([_cell(each) for each in row] for row in rows)
    return Response(
        "\N{ZERO WIDTH NO-BREAK SPACE}" + out.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
        },
    )


def csv_stream(
    name: str, header: Sequence[str], rows: Callable[[Session], Iterable[Sequence[object]]]
) -> Response:
    """Give a long list as a file, written while it is read: memory stays flat."""

    def lines() -> Iterator[str]:
        yield "\N{ZERO WIDTH NO-BREAK SPACE}" + _line(header)
        with reading() as session:
            for row in rows(session):
                yield _line(row)

    return Response(
        stream_with_context(lines()),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
        },
    )


def _line(row: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_cell(each) for each in row])
    return out.getvalue()


def fen(amount: int) -> str:
    """Write fen as yuan without grouping, as a spreadsheet adds it up."""
    return yuan(amount).replace(",", "")


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(clock.LOCAL).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    if isinstance(value, str) and text.startswith(RISKY) and not _is_number(text):
        return f"'{text}"
    return text


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal()
