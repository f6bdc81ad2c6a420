"""Setting, changing and retiring links."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotFound, Refused
from foundation.locks import lock_key
from goods.catalogue.models import Product, Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from parties.network.models import Place
from parties.people.audit import audit
from parties.people.permissions import Actor, Can, Scope
from traceability.digital_link import Element
from traceability.resolver.linktypes import LINK_TYPES, OWN_TYPES
from traceability.resolver.models import ResolverLink
from traceability.resolver.rules import levels_of, must_be_languages, must_be_target, path_text

_TITLE_ZH, _TITLE_EN, _MEDIA = 80, 120, 80
ROLES = ("plain", "default", "variant")


class LinkExists(Refused):
    """The same target is linked already."""

    code = "link_exists"


class LinkTypeReserved(BadInput):
    """The ledger itself answers for this type."""

    code = "link_type_reserved"


class DefaultNeeded(Refused):
    """A code without a page of ours must keep a default link (Resolver 2.5.9)."""

    code = "default_needed"


@dataclass(frozen=True, slots=True)
class LinkEntry:
    """A link as somebody enters it. `path` is key and qualifiers of a Digital Link.

    `link_type` is a name of `LINK_TYPES`, `role` one of `ROLES`; `active_from` None is at once,
    `active_until` None is for good.
    """

    path: tuple[Element, ...]
    link_type: str
    href: str
    title_zh: str
    title_en: str = ""
    hreflang: str = ""
    media_type: str = ""
    role: str = "plain"
    active_from: datetime | None = None
    active_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What a target is held against: this installation's own host, and whether it is a demo."""

    own_host: str
    demo: bool


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whose thing a link is for, and whether we have a page about it."""

    organisation_id: int | None
    own_page: bool


def register_link(
    session: Session, entry: LinkEntry, *, where: Whereabouts, actor: Actor, now: datetime
) -> ResolverLink:
    """Set a link.

    A new default takes the place of the old one, which stays as a plain link. Refused:
    `bad_input`, `link_unsafe`, `link_type_reserved`, `link_exists`, `default_needed`,
    `not_allowed` for somebody else's goods.
    """
    subject = _subject(session, entry.path)
    _must_be_theirs(actor, subject.organisation_id)
    given = _checked(entry, where, now)
    path = path_text(entry.path)
    _lock(session, entry.path)
    if session.scalar(select(ResolverLink.id).where(*_standing(path), *_same(given))) is not None:
        raise LinkExists("This page is linked to this code already", field="href")
    if not subject.own_page:
        given = _with_default(session, entry.path, given)
    if given.role == "default":
        _make_room(session, path, None, actor=actor, now=now)
    known = dict(entry.path)
    link = ResolverLink(
        path=path,
        key_ai=entry.path[0][0],
        key_value=entry.path[0][1],
        lot_no=known.get("10"),
        serial=known.get("21"),
        organisation_id=subject.organisation_id,
        created_at=now,
        created_by=actor.id,
        **_columns(given, now),
    )
    session.add(link)
    session.flush()
    _noted(session, "register_link", link, actor=actor, now=now, after=_plain(link))
    return link


def change_link(
    session: Session,
    link_id: int,
    entry: LinkEntry,
    *,
    where: Whereabouts,
    actor: Actor,
    now: datetime,
) -> ResolverLink:
    """Change everything about a link but the code it is for. Refused as by `register_link`."""
    link = _own(session, link_id, actor)
    given = _checked(entry, where, now)
    _lock(session, entry.path)
    others = [*_standing(link.path), ResolverLink.id != link.id]
    if session.scalar(select(ResolverLink.id).where(*others, *_same(given))) is not None:
        raise LinkExists("This page is linked to this code already", field="href")
    subject = _subject(session, entry.path)
    if not subject.own_page and link.role == "default":
        if given.role != "default" or given.active_until is not None:
            raise _default_needed()
    elif given.role == "default":
        _make_room(session, link.path, link.id, actor=actor, now=now)
    before = _plain(link)
    for name, value in _columns(given, now).items():
        setattr(link, name, value)
    session.flush()
    _noted(session, "change_link", link, actor=actor, now=now, before=before, after=_plain(link))
    return link


def retire_link(
    session: Session,
    link_id: int,
    path: Sequence[Element],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Take a link away; it stays for the record. `path` is its own, as read by the caller.

    Refused: `default_needed` when other links of a code without a page of ours would be left
    without a default.
    """
    link = _own(session, link_id, actor)
    _lock(session, path)
    if link.role == "default" and not _subject(session, path).own_page:
        others = select(ResolverLink.id).where(
            ResolverLink.key_ai == link.key_ai,
            ResolverLink.key_value == link.key_value,
            ResolverLink.retired_at.is_(None),
            ResolverLink.id != link.id,
        )
        if session.scalar(others) is not None:
            raise _default_needed()
    link.retired_at = now
    session.flush()
    _noted(session, "retire_link", link, actor=actor, now=now, before=_plain(link))


def _own(session: Session, link_id: int, actor: Actor) -> ResolverLink:
    link = session.get(ResolverLink, link_id)
    if link is None or link.retired_at is not None:
        raise NotFound("There is no such link")
    _must_be_theirs(actor, link.organisation_id)
    return link


def _must_be_theirs(actor: Actor, organisation_id: int | None) -> None:
    """Let operators look after every link, others after those of their own goods."""
    if not actor.can(Can.OPERATE):
        actor.must(Can.MANAGE_LINKS, Scope(organisation_id=organisation_id))


def _subject(session: Session, path: Sequence[Element]) -> _Subject:
    """Say whose thing this is; refuse a lot or serial of ours that does not exist."""
    known = dict(path)
    if "01" in known:
        return _trade_item(session, known)
    if "00" in known:
        owner = session.scalar(
            select(Lot.organisation_id)
            .join(LogisticUnit, LogisticUnit.lot_id == Lot.id)
            .where(LogisticUnit.sscc == known["00"])
        )
        return _Subject(owner, owner is not None)
    if "414" in known:
        owner = session.scalar(select(Place.organisation_id).where(Place.gln == known["414"]))
        return _Subject(owner, own_page=False)
    return _Subject(None, own_page=False)


def _trade_item(session: Session, known: dict[str, str]) -> _Subject:
    row = session.execute(
        select(Sku.id, Product.supplier_id.label("organisation_id"))
        .join(Product, Product.id == Sku.product_id)
        .where(Sku.gtin == known["01"])
    ).first()
    if row is None:
        return _Subject(None, own_page=False)
    lot, serial = known.get("10"), known.get("21")
    if lot is not None and serial is None:
        found = select(Lot.id).where(Lot.sku_id == row.id, Lot.lot_no == lot)
        if session.scalar(found) is None:
            raise BadInput("There is no such lot of this product", field="lot_no")
    if serial is not None:
        found = select(Serial.id).where(Serial.sku_id == row.id, Serial.serial == serial)
        if session.scalar(found) is None:
            raise BadInput("There is no pack with this serial", field="serial")
    return _Subject(row.organisation_id, "235" not in known)


def _checked(entry: LinkEntry, where: Whereabouts, now: datetime) -> LinkEntry:
    known = dict(entry.path)
    if "21" in known and ("10" in known or "22" in known):
        raise BadInput(
            "A link for one pack names its serial alone; the lot is known from it", field="serial"
        )
    if entry.link_type in OWN_TYPES:
        raise LinkTypeReserved("The record itself answers this; choose another", field="link_type")
    if entry.link_type not in LINK_TYPES:
        raise BadInput("Choose what kind of page it is", field="link_type")
    title = entry.title_zh.strip()
    if not 0 < len(title) <= _TITLE_ZH or len(entry.title_en.strip()) > _TITLE_EN:
        raise BadInput("Give the page a title", field="title_zh")
    languages = must_be_languages(entry.hreflang)
    if entry.role not in ROLES:
        raise BadInput("Choose when this page opens", field="role")
    if entry.role == "variant" and not languages:
        raise BadInput("Say which language this page is in", field="hreflang")
    if entry.active_until is not None and entry.active_until <= (entry.active_from or now):
        raise BadInput("The end must be after the beginning", field="active_until")
    return replace(
        entry,
        href=must_be_target(entry.href, own_host=where.own_host, demo=where.demo),
        title_zh=title,
        title_en=entry.title_en.strip() or title,
        hreflang=languages,
        media_type=_media_type(entry.media_type),
    )


def _media_type(text: str) -> str:
    kind = text.strip().lower()
    top, slash, rest = kind.partition("/")
    tops = {"text", "application", "image", "video", "audio"}
    if kind and (top not in tops or not slash or not rest.isprintable() or len(kind) > _MEDIA):
        raise BadInput("A media type is written like text/html", field="media_type")
    return kind


def _with_default(session: Session, path: Sequence[Element], given: LinkEntry) -> LinkEntry:
    """Keep 2.5.9 for a code without a page of ours: its first link is its default."""
    key = path_text(levels_of(path)[-1])
    found = select(ResolverLink.id).where(*_standing(key), ResolverLink.role == "default")
    if session.scalar(found) is not None:
        return given
    if path_text(path) != key or given.role == "variant":
        raise _default_needed()
    return replace(given, role="default", active_from=None, active_until=None)


def _default_needed() -> DefaultNeeded:
    return DefaultNeeded("The code itself needs a page that opens first; set that one before")


def _make_room(
    session: Session, path: str, but: int | None, *, actor: Actor, now: datetime
) -> None:
    """Turn the standing default of a code into a plain link."""
    old = session.scalars(
        select(ResolverLink).where(*_standing(path), ResolverLink.role == "default")
    ).first()
    if old is None or old.id == but:
        return
    session.execute(
        update(ResolverLink)
        .where(ResolverLink.id == old.id)
        .values(role="plain", changed_at=now)
        .execution_options(synchronize_session="fetch")
    )
    _noted(session, "demote_link", old, actor=actor, now=now, before={"role": "default"})


def _standing(path: str) -> list[ColumnElement[bool]]:
    return [ResolverLink.path == path, ResolverLink.retired_at.is_(None)]


def _same(given: LinkEntry) -> list[ColumnElement[bool]]:
    return [
        ResolverLink.link_type == given.link_type,
        ResolverLink.href == given.href,
        ResolverLink.hreflang == given.hreflang,
    ]


def _lock(session: Session, path: Sequence[Element]) -> None:
    lock_key(session, f"links:{path_text(path[:1])}")


def _columns(given: LinkEntry, now: datetime) -> dict[str, Any]:
    return {
        "link_type": given.link_type,
        "href": given.href,
        "title_zh": given.title_zh,
        "title_en": given.title_en,
        "hreflang": given.hreflang,
        "media_type": given.media_type,
        "role": given.role,
        "active_from": given.active_from or now,
        "active_until": given.active_until,
        "changed_at": now,
    }


def _plain(link: ResolverLink) -> dict[str, Any]:
    names = ("path", "link_type", "href", "title_zh", "title_en", "hreflang", "media_type", "role")
    until = link.active_until.isoformat() if link.active_until else None
    since = link.active_from.isoformat()
    return {**{name: getattr(link, name) for name in names}, "from": since, "until": until}


def _noted(
    session: Session,
    verb: str,
    link: ResolverLink,
    *,
    actor: Actor,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    audit(session, verb, "resolver_link", link.id, actor=actor, now=now, before=before, after=after)
