"""What every page of this door shares: its blueprint, whose desk it is, how a page is shown."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import uuid4

from flask import Blueprint, Response, current_app, flash, render_template, request, url_for
from flask_babel import get_locale, gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import Named, Refused
from parties.network.models import County, Organisation, Town
from parties.people.guards import current_actor
from parties.people.permissions import Can

blueprint = Blueprint("cooperatives", __name__, url_prefix="/coop")
api = Blueprint("cooperatives_api", __name__, url_prefix="/api/coop")

BOM: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
MOST_ROWS: Final = 5000
"""How many rows a file holds; a desk that has more narrows its list first."""


class Tab(NamedTuple):
    """One entry of the bar at the foot."""

    endpoint: str
    icon: str
    label: str
    section: str


def say(refusal: Refused) -> str:
    """Give a refusal's sentence in the reader's language, filled in."""
    text: str = gettext(refusal.text)
    params = {name: _shown(value) for name, value in refusal.params.items()}
    return text % params if params else text


def _shown(value: object) -> object:
    if isinstance(value, Refused):
        return say(value)
    return named(value) if isinstance(value, Named) else value


def own(permission: Can = Can.SEE_SUPPLIER_DESK) -> frozenset[int]:
    """Give the organisations whose desk this is; lists and look-ups by id are scoped by it."""
    return current_actor().organisations(permission)


def language() -> str:
    """Give the language of this request, "zh" or "en"."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


def named(thing: object, name: str = "name") -> str:
    """Give a row's text in the reader's language, or in the other one; "" of no row."""

    def said(code: str) -> object:
        attribute = f"{name}_{code}"
        return thing.get(attribute) if isinstance(thing, Mapping) else getattr(thing, attribute, "")

    return str(said(language()) or said("zh") or "")


def new_key() -> str:
    """Make the key that lets a form be sent twice and done once."""
    return uuid4().hex


def sent_key() -> str:
    """Give the key that came with a form."""
    return request.form.get("key", "")


def asked(name: str, longest: int = 60) -> str:
    """Read one word of the query, trimmed and cut."""
    return request.args.get(name, "").strip()[:longest]


def sent_file(name: str, most: int) -> tuple[str, bytes] | None:
    """Read a file that came with a form, one byte more than `most` at the most; None for none."""
    file = request.files.get(name)
    if file is None or not file.filename:
        return None
    with file.stream as stream:
        return file.filename, stream.read(most + 1)


def tell(sentence: str, category: str = "message") -> None:
    """Say on the next page what was done."""
    flash(sentence, category)


def files_dir() -> Any:
    """Give the folder of kept files."""
    return current_app.extensions["settings"].files_dir


def public_url() -> str:
    """Give scheme and host that are printed into codes."""
    found: str = current_app.extensions["settings"].public_url
    return found


def navigation(section: str) -> list[tuple[str, str, str, bool]]:
    """List the bar's entries: address, icon, word, whether it is this section."""
    entries = (
        Tab("cooperatives.today", "home", gettext("Today"), "today"),
        Tab("cooperatives.lots", "pen", gettext("Lots"), "lots"),
        Tab("cooperatives.orders", "truck", gettext("Orders"), "orders"),
        Tab("cooperatives.labels", "print", gettext("Labels"), "labels"),
        Tab("cooperatives.me", "user", gettext("Mine"), "me"),
    )
    return [
        (url_for(tab.endpoint), tab.icon, tab.label, tab.section == section)
        for tab in entries
        if tab.endpoint in current_app.view_functions
    ]


def show(session: Session, template: str, *, section: str, **context: Any) -> str:
    """Render a page of the desk with the names of whose desk it is. One statement."""
    row = session.execute(
        select(Organisation, County, Town)
        .outerjoin(County, County.code == Organisation.county_code)
        .outerjoin(Town, Town.code == Organisation.town_code)
        .where(Organisation.id.in_(own()))
        .order_by(Organisation.id)
        .limit(1)
    ).first()
    organisation, county, town = row or (None, None, None)
    return render_template(
        f"cooperatives/{template}",
        organisation=organisation,
        organisation_county=county,
        organisation_town=town,
        today=clock.business_date(clock.now()),
        nav_items=navigation(section),
        home_url=url_for("cooperatives.today"),
        **context,
    )


def csv_answer(name: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Response:
    """Give rows as a CSV file that spreadsheet programs open in the right characters.

    A cell that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    lines = [",".join(_cell(cell) for cell in line) for line in (header, *rows)]
    answer = Response(BOM + "\r\n".join(lines) + "\r\n", content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    if text[:1] in {"=", "+", "-", "@", "\t", "\r"} and not isinstance(value, int):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"'


def file_answer(content: bytes | str, media_type: str, name: str, *, inline: bool) -> Response:
    """Give a file; `inline` opens it in the browser instead of keeping it."""
    answer = Response(content, content_type=media_type)
    disposition = "inline" if inline else "attachment"
    answer.headers["Content-Disposition"] = f'{disposition}; filename="{name}"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
