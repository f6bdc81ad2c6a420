"""What a resolver decides from values alone: levels, and the best of several links.

GS1-Conformant Resolver Standard 1.2, sections 2.5 and 2.6.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from foundation.errors import BadInput
from traceability.digital_link import Element
from traceability.digital_link.refusals import CodeUnreadable
from traceability.digital_link.uri import read_uri, split_uri, write_uri
from traceability.resolver.linktypes import DEFAULT, VARIANTS, type_address

#: Rows of qualifiers that a GTIN or ITIP has links at, the strongest first (2.5.9, rule 4).
_ITEM_LEVELS: Final = (("235",), ("21",), ("22", "10"), ("22",), ("10",), ())
_TAG: Final = re.compile(r"[A-Za-z]{2}(?:-[A-Za-z]{2})?")
_LONGEST_HREF: Final = 500


@dataclass(frozen=True, slots=True)
class Link:
    """One link as it is shown: `href` is absolute, `type_name` of the GS1 Web Vocabulary.

    `hreflang` are language tags, `media_type` is empty when it is not said, `role` as in
    `ResolverLink`.
    """

    type_name: str
    href: str
    title: str
    hreflang: tuple[str, ...] = ()
    media_type: str = ""
    role: str = "plain"


@dataclass(frozen=True, slots=True)
class Level:
    """What is linked to one entity: the thing asked about, or what it is one of."""

    anchor: str
    description: str
    links: tuple[Link, ...]
    default: Link | None

    @property
    def variants(self) -> tuple[Link, ...]:
        """The links of gs1:defaultLinkMulti."""
        return tuple(link for link in self.links if link.role == "variant")

    def of_type(self, name: str) -> tuple[Link, ...]:
        """Give the links of a type, also of the two that only mark other links."""
        if name == DEFAULT:
            return (self.default,) if self.default else ()
        if name == VARIANTS:
            return self.variants
        return tuple(link for link in self.links if link.type_name == name)


class LinkUnsafe(BadInput):
    """A target that a phone should not be sent to."""

    code = "link_unsafe"


def levels_of(path: Sequence[Element]) -> list[tuple[Element, ...]]:
    """Give the entities that links may be registered for, the one asked about first.

    A unit is GTIN and serial: lot and variant beside a serial say nothing more (2.5.9, rule 2).
    """
    key, given = path[0], dict(path[1:])
    if key[0] in {"01", "8006"}:
        rows = [row for row in _ITEM_LEVELS if given.keys() >= set(row)]
        return [(key, *((ai, given[ai]) for ai in row)) for row in rows]
    return [tuple(path[:count]) for count in range(len(path), 0, -1)]


def path_text(path: Sequence[Element]) -> str:
    """Give key and qualifiers as the path of a URI."""
    return write_uri("", path, ())


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a request says about the link it would like.

    `media` and `languages` are pairs of a range and its quality, as in Accept and
    Accept-Language; empty when nothing was said.
    """

    media: tuple[tuple[str, float], ...] = ()
    languages: tuple[tuple[str, float], ...] = ()


def best(links: Sequence[Link], wishes: Wishes) -> tuple[Link, ...]:
    """Give the links that fit best: media type first, then language (2.6.3); one, or a tie."""
    fitting = _highest(links, [_media_quality(link, wishes.media) for link in links])
    if not fitting:
        fitting = [link for link in links if not link.media_type] or list(links)
    spoken = _highest(fitting, [_language_quality(link, wishes.languages) for link in fitting])
    if not spoken:
        spoken = [link for link in fitting if not link.hreflang] or fitting
    return tuple(spoken)


def _highest(links: Sequence[Link], qualities: Sequence[float]) -> list[Link]:
    most = max(qualities, default=0.0)
    return [link for link, q in zip(links, qualities, strict=True) if most and q == most]


def _media_quality(link: Link, media: Iterable[tuple[str, float]]) -> float:
    """Give the quality of the most telling range that takes the link's type; 1 if none is said."""
    wanted = dict(media)
    if not wanted:
        return 1.0
    kind = link.media_type.partition(";")[0].strip().lower()
    if not kind:
        return wanted.get("*/*", 0.0)
    for name in (kind, kind.partition("/")[0] + "/*", "*/*"):
        if name in wanted:
            return wanted[name]
    return 0.0


def _language_quality(link: Link, languages: Iterable[tuple[str, float]]) -> float:
    """Look up by RFC 4647 section 3.4: `zh-CN` takes `zh`, and `zh` takes `zh-CN` at a pinch."""
    tags = {tag.lower() for tag in link.hreflang}
    found = 0.0
    for asked, quality in languages:
        wanted = asked.lower()
        if wanted in tags or wanted.partition("-")[0] in tags:
            found = max(found, quality)
        elif any(tag.partition("-")[0] == wanted for tag in tags):
            found = max(found, quality * 0.99)
    return found


def passed_on(href: str, query: str) -> str:
    """Give `href` with the whole query string of the request added (2.12), as it was sent."""
    if not query:
        return href
    address, hashed, fragment = href.partition("#")
    return f"{address}{'&' if '?' in address else '?'}{query}{hashed}{fragment}"


def must_be_target(href: str, *, own_host: str, demo: bool) -> str:
    """Give a target without blanks around it, or refuse `link_unsafe`.

    Only https, no sign-in within the address, no address inside somebody's own network (a demo
    may), and no Digital Link of this very resolver, which would lead round in circles.
    """
    text = href.strip()
    unsafe = LinkUnsafe("A link begins with https:// and leads to a public page", field="href")
    if not text or len(text) > _LONGEST_HREF:
        raise unsafe
    try:
        parts = urlsplit(text)
        split_uri(text, whole=True)
        host, _port = parts.hostname or "", parts.port
    except (ValueError, CodeUnreadable) as exc:
        raise unsafe from exc
    if parts.username is not None or not (parts.scheme == "https" or demo):
        raise unsafe
    if not demo and _is_private(host):
        raise unsafe
    if parts.netloc.lower() == own_host.lower() and _is_digital_link(text):
        raise LinkUnsafe("This link leads back to itself. Give the page behind it.", field="href")
    return text


def _is_private(host: str) -> bool:
    name = host.lower().rstrip(".")
    if name.endswith((".local", ".internal", ".localhost", ".lan")) or not re.search("[.:]", name):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        # Browsers also read 0x7f.1 and 2130706433 as addresses; public names do not end so
        return re.fullmatch(r"\d+|0[xX][0-9A-Fa-f]*", name.rpartition(".")[2]) is not None


def _is_digital_link(text: str) -> bool:
    try:
        read_uri(text.partition("?")[0])
    except BadInput:
        return False
    return True


def must_be_languages(text: str) -> str:
    """Give language tags in one writing, `zh,en`; refused: `bad_input`."""
    tags = [tag for tag in re.split(r"[\s,;]+", text.strip()) if tag]
    if len(tags) > 4 or not all(_TAG.fullmatch(tag) for tag in tags):  # noqa: PLR2004
        raise BadInput("Languages are written like zh or en-GB", field="hreflang")
    return ",".join(dict.fromkeys(tags))


def linkset(levels: Sequence[Level]) -> Mapping[str, object]:
    """Write a linkset as JSON (RFC 9264, section 4.2), one context a level.

    One default link stands in it: that of the most granular level which has one.
    """
    contexts = []
    default_told = False
    for level in levels:
        context: dict[str, object] = {
            "anchor": level.anchor,
            "itemDescription": level.description,
        }
        if level.default is not None and not default_told:
            default_told = True
            context[type_address(DEFAULT)] = [
                {"href": level.default.href, "title": level.default.title}
            ]
        if level.variants:
            context[type_address(VARIANTS)] = [_target(link) for link in level.variants]
        for name in dict.fromkeys(link.type_name for link in level.links):
            context[type_address(name)] = [_target(link) for link in level.of_type(name)]
        contexts.append(context)
    return {"linkset": contexts}


def _target(link: Link) -> dict[str, object]:
    out: dict[str, object] = {"href": link.href, "title": link.title}
    if link.media_type:
        out["type"] = link.media_type
    if link.hreflang:
        out["hreflang"] = list(link.hreflang)
    return out
