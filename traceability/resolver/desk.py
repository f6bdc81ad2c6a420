"""Pages on which links are looked after, the same for a cooperative's desk and the office.

A door says whose links it shows and how its pages are drawn (`LinkDesk`); its views are guards
and one call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import uuid4

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session
from wtforms import HiddenField, SelectField, StringField
from wtforms.widgets import DateInput

from foundation import clock
from foundation.clock import LOCAL
from foundation.errors import BadInput, NotFound, Refused
from foundation.once import once
from foundation.paging import page_of
from foundation.web import asked_page, reading, transaction
from parties.people.guards import current_actor
from traceability.digital_link import DigitalLink, Element, Leniency, link_of, read_uri
from traceability.forms import ANYWHERE
from traceability.resolver.linktypes import LINK_TYPES
from traceability.resolver.models import ResolverLink
from traceability.resolver.queries import default_of, levels, variants_of
from traceability.resolver.rules import path_text
from traceability.resolver.services import (
    LinkEntry,
    Whereabouts,
    change_link,
    register_link,
    retire_link,
)
from traceability.resolver.views import PAGES, base, page_words
from traceability.resolver.words import LINK_TYPE_NAMES
from traceability.scan_codes import read_code, split_brackets

PER_PAGE: Final = 20
_LITERAL: Final = str.maketrans({"\\": "", "%": "\\%", "_": "\\_"})
_AS_PRINTED: Final = Leniency(trailing_slash=True, short_gtin=True)


@dataclass(frozen=True, slots=True)
class LinkDesk:
    """One door's way of showing the pages of links."""

    door: str
    """Name of its blueprint, which has the endpoints `links`, `link_new` and so on."""
    organisations: Callable[[], frozenset[int] | None]
    """Whose links are shown; None: everybody's."""
    show: Callable[..., str]
    """Draws a template of the door: `show(session, name, **context)`."""

    def address(self, endpoint: str, **values: Any) -> str:
        """Give the address of one of the door's pages."""
        return url_for(f"{self.door}.{endpoint}", **values)


class LinkForm(FlaskForm):  # type: ignore[misc]
    """What is asked about a link."""

    key = HiddenField(default=lambda: uuid4().hex)
    code = StringField(_("For which code"), render_kw={"maxlength": 300, "required": True})
    link_type = SelectField(_("What it is"), validate_choice=False)
    href = StringField(
        _("Address of the page"),
        render_kw={"type": "url", "maxlength": 500, "required": True, "inputmode": "url"},
    )
    title_zh = StringField(_("Title in Chinese"), render_kw={"maxlength": 80, "required": True})
    title_en = StringField(_("Title in English"), render_kw={"maxlength": 120})
    hreflang = StringField(_("Languages of the page"), render_kw={"maxlength": 40})
    media_type = StringField(_("Media type"), render_kw={"maxlength": 80})
    role = SelectField(_("When it opens"), validate_choice=False)
    active_from = StringField(_("From this day"), widget=DateInput())
    active_until = StringField(_("Up to and including"), widget=DateInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.link_type.choices = [(name, LINK_TYPE_NAMES[name]) for name in LINK_TYPES]
        self.role.choices = [
            ("plain", _("When somebody asks for it")),
            ("default", _("First, when the code is scanned")),
            ("variant", _("First, for readers of its language")),
        ]

    def refuse(self, refusal: Refused) -> None:
        """Put a refusal beside the field it names, or above the form."""
        names = {"lot_no": "code", "serial": "code"}
        field = self._fields.get(names.get(refusal.field or "", refusal.field or ""))
        text: str = gettext(refusal.text)
        said = text % refusal.params if refusal.params else text
        if field is None:
            self.form_errors.append(said)
        else:
            field.errors = [*field.errors, said]


def named_path(text: str) -> tuple[Element, ...]:
    """Read which code a link is for, typed or scanned: an address, brackets or plain digits.

    Beside a serial, lot and variant are left out: the pack is known without them. Refused: as by
    `read_code` and `read_uri`.
    """
    typed = text.strip()
    if typed.startswith("("):
        path = link_of(split_brackets(typed)).path
    elif "/" in typed:
        uri = typed if "://" in typed else ANYWHERE + (typed if typed[0] == "/" else f"/{typed}")
        path = read_uri(uri, _AS_PRINTED, together=False).path
    else:
        code = read_code(typed).code
        if code is None:
            raise BadInput("Only the shop that gave this code knows it", field="code")
        path = code.path_elements
    if any(ai == "21" for ai, _value in path):
        return tuple(element for element in path if element[0] not in {"10", "22"})
    return path


def read_entry(raw: Mapping[str, str], path: tuple[Element, ...] | None = None) -> LinkEntry:
    """Read what was entered; `path` is given where the code cannot be changed."""
    if path is None:
        try:
            path = named_path(raw.get("code", ""))
        except Refused as refusal:
            refusal.field = "code"
            raise
    until = _day(raw, "active_until")
    since = _day(raw, "active_from")
    return LinkEntry(
        path=path,
        link_type=raw.get("link_type", ""),
        href=raw.get("href", ""),
        title_zh=raw.get("title_zh", ""),
        title_en=raw.get("title_en", ""),
        hreflang=raw.get("hreflang", ""),
        media_type=raw.get("media_type", ""),
        role=raw.get("role", ""),
        active_from=_midnight(since) if since else None,
        active_until=_midnight(until + timedelta(days=1)) if until else None,
    )


def _day(raw: Mapping[str, str], name: str) -> date | None:
    text = raw.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput("Please enter a date", field=name) from error


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LOCAL)


def links_query(
    organisations: frozenset[int] | None, *, words: str, kind: str, retired: bool
) -> Select[Any]:
    """Select links, the newest first: of these organisations, with these words in them."""
    query = select(ResolverLink).order_by(ResolverLink.id.desc())
    if organisations is not None:
        query = query.where(ResolverLink.organisation_id.in_(organisations))
    if words:
        like = "%" + words.translate(_LITERAL) + "%"
        wanted = (ResolverLink.path, ResolverLink.href, ResolverLink.title_zh)
        query = query.where(or_(*(column.like(like, escape="\\") for column in wanted)))
    if kind in LINK_TYPES:
        query = query.where(ResolverLink.link_type == kind)
    standing = ResolverLink.retired_at
    return query.where(standing.is_not(None) if retired else standing.is_(None))


def one_link(session: Session, desk: LinkDesk, link_id: int) -> ResolverLink:
    """Give one of the desk's links; NotFound for anybody else's."""
    query = links_query(desk.organisations(), words="", kind="", retired=False)
    link: ResolverLink | None = session.scalars(query.where(ResolverLink.id == link_id)).first()
    if link is None:
        raise NotFound("There is no such link")
    return link


def preview(session: Session, path: tuple[Element, ...], now: datetime) -> dict[str, Any]:
    """Say what a phone gets that scans this code now, and everything that is linked to it."""
    found = levels(session, path, base=base(), pages=base() + PAGES, words=page_words(), now=now)
    default = default_of(found)
    return {
        "uri": base() + path_text(path),
        "levels": found,
        "default": default,
        "own": default is not None and default.href.startswith(base() + PAGES),
        "variants": variants_of(found),
    }


def links_page(desk: LinkDesk) -> ResponseReturnValue:
    """List the desk's links; with `?code=` also what a phone gets that scans it."""
    typed, refusal, shown = request.args.get("code", "").strip()[:300], None, None
    retired = request.args.get("state") == "retired"
    with reading() as session:
        if typed:
            try:
                shown = preview(session, named_path(typed), clock.now())
            except Refused as said:
                refusal = said
        query = links_query(
            desk.organisations(),
            words=request.args.get("q", "").strip()[:60],
            kind=request.args.get("type", ""),
            retired=retired,
        )
        page = page_of(session, query, number=asked_page(), size=PER_PAGE, scalars=True)
        return desk.show(
            session,
            "links.html",
            desk=desk,
            page=page,
            names=LINK_TYPE_NAMES,
            types=LINK_TYPES,
            typed=typed,
            refusal=refusal,
            seen=shown,
            retired=retired,
            now=clock.now(),
        )


def _form_page(
    session: Session, desk: LinkDesk, form: LinkForm, link: ResolverLink | None = None
) -> str:
    seen = preview(session, _path_of(link), clock.now()) if link else None
    return desk.show(
        session, "link.html", desk=desk, form=form, link=link, seen=seen, names=LINK_TYPE_NAMES
    )


def new_page(desk: LinkDesk) -> ResponseReturnValue:
    """Ask for a link, for the code in `?code=` if there is one."""
    form = LinkForm(formdata=None, code=request.args.get("code", "")[:300])
    with reading() as session:
        return _form_page(session, desk, form)


def add(desk: LinkDesk) -> ResponseReturnValue:
    """Set a link."""
    now, actor = clock.now(), current_actor()
    try:
        entry = read_entry(request.form)
        with transaction() as session:

            def act() -> int:
                made = register_link(session, entry, where=whereabouts(), actor=actor, now=now)
                return made.id

            said = [path_text(entry.path), entry.link_type, entry.href, entry.role]
            once(session, request.form.get("key", ""), ["link", actor.id, *said], act, now=now)
    except Refused as refusal:
        form = LinkForm()
        form.refuse(refusal)
        with reading() as session:
            return _form_page(session, desk, form), refusal.status
    flash(gettext("The link is set."), "message")
    return redirect(desk.address("links", code=path_text(entry.path)), 303)


def edit_page(desk: LinkDesk, link_id: int) -> ResponseReturnValue:
    """Show a link, what a phone gets, and the form to change it."""
    with reading() as session:
        link = one_link(session, desk, link_id)
        return _form_page(session, desk, _filled(link), link)


def change(desk: LinkDesk, link_id: int) -> ResponseReturnValue:
    """Change a link."""
    now, actor = clock.now(), current_actor()
    try:
        with transaction() as session:
            path = _path_of(one_link(session, desk, link_id))
            entry = read_entry(request.form, path)
            change_link(session, link_id, entry, where=whereabouts(), actor=actor, now=now)
    except NotFound:
        raise
    except Refused as refusal:
        form = LinkForm()
        form.refuse(refusal)
        with reading() as session:
            return _form_page(session, desk, form, one_link(session, desk, link_id)), refusal.status
    flash(gettext("The link is changed."), "message")
    return redirect(desk.address("links", code=path_text(path)), 303)


def retire(desk: LinkDesk, link_id: int) -> ResponseReturnValue:
    """Take a link away."""
    with transaction() as session:
        path = _path_of(one_link(session, desk, link_id))
        retire_link(session, link_id, path, actor=current_actor(), now=clock.now())
    flash(gettext("The link is taken away."), "message")
    return redirect(desk.address("links"), 303)


def whereabouts() -> Whereabouts:
    """Give what targets are held against here."""
    settings = current_app.extensions["settings"]
    return Whereabouts(settings.public_host, settings.demo)


def _path_of(link: ResolverLink) -> tuple[Element, ...]:
    link_path: DigitalLink = read_uri(ANYWHERE + link.path, together=False)
    return link_path.path


def _filled(link: ResolverLink) -> LinkForm:
    until = link.active_until
    return LinkForm(
        formdata=None,
        code=link.path,
        link_type=link.link_type,
        href=link.href,
        title_zh=link.title_zh,
        title_en=link.title_en,
        hreflang=link.hreflang,
        media_type=link.media_type,
        role=link.role,
        active_from=link.active_from.astimezone(LOCAL).date().isoformat(),
        active_until=(until.astimezone(LOCAL) - timedelta(days=1)).date().isoformat()
        if until
        else "",
    )
