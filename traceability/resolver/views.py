"""The resolver's answers: redirects, linksets, choices, and who may ask from where.

GS1-Conformant Resolver Standard 1.2. docs/adr/0009 says why a browser gets our own page at the
Digital Link itself, while everybody else is redirected to it.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from flask import Response, current_app, make_response, redirect, render_template, request
from flask_babel import gettext
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import NotFound
from foundation.web import csp_nonce
from traceability.digital_link import DigitalLink
from traceability.resolver.linktypes import VOCABULARY, type_name
from traceability.resolver.queries import (
    Words,
    default_of,
    has_own_default,
    levels,
    of_type,
    standing_links,
    variants_of,
)
from traceability.resolver.rules import Level, Link, Wishes, best, linkset, passed_on, path_text
from traceability.resolver.words import LINK_TYPE_NAMES

LINKSET: Final = "application/linkset+json"
LINKED_DATA: Final = "application/ld+json"
PAGES: Final = "/t"
"""What the addresses of our own pages begin with; the rest is the Digital Link's path."""
CONTEXT: Final = "/.well-known/gs1resolver/context.jsonld"
METHODS: Final = "GET, HEAD, OPTIONS"
_BROWSERS: Final = frozenset({"text/html", "application/xhtml+xml"})
_OWN_KEYS: Final = frozenset({"00", "01"})
_LINKSETS: Final = frozenset({"linkset", "all"})


class NoSuchLink(NotFound):
    """Nothing of this type is linked to this thing."""

    code = "no_such_link"


def base() -> str:
    """Give scheme and host of the request, as its sender sees them.

    Under the installation's public name a proxy in front may have taken the TLS away.
    """
    settings = current_app.extensions["settings"]
    if request.host == settings.public_host and not request.is_secure:
        return str(settings.public_url)
    return request.host_url.rstrip("/")


def names_a_page() -> bool:
    """Tell whether the request says that it would read a page, as browsers do."""
    return any(kind in _BROWSERS and quality for kind, quality in request.accept_mimetypes)


def asks_for_links() -> bool:
    """Tell whether the list of links is asked for, by name or by media type (2.9)."""
    if request.args.get("linkType") in _LINKSETS:
        return True
    accepted = dict(request.accept_mimetypes)
    pages = max((accepted.get(kind, 0) for kind in _BROWSERS), default=0)
    return "linkType" not in request.args and accepted.get(LINKSET, 0) > pages


def stays_here(session: Session, link: DigitalLink) -> bool:
    """Tell whether our own page answers at the Digital Link itself.

    So it does for those who say that they read pages (or data), ask for no type of link, and ask
    about something for which nobody set another default.
    """
    if "linkType" in request.args or asks_for_links() or link.key not in _OWN_KEYS:
        return False
    return not has_own_default(standing_links(session, link.path, now=clock.now()))


def leads_elsewhere(session: Session, link: DigitalLink) -> bool:
    """Tell whether somebody set a default for what a thing, unknown to the ledger, is one of."""
    rows = standing_links(session, link.path, now=clock.now()).values()
    return any(row.role == "default" for level in rows for row in level)


def answer(session: Session, link: DigitalLink) -> Response:
    """Answer as a resolver: list, redirect, offer a choice; raises NoSuchLink (404)."""
    found = levels(
        session, link.path, base=base(), pages=base() + PAGES, words=page_words(), now=clock.now()
    )
    if not found:
        raise NotFound("Nobody has recorded a pack with this code")
    if asks_for_links():
        return _listed(found, 200)
    asked = request.args.get("linkType")
    chosen = _asked_for(found, asked) if asked is not None else _by_default(found)
    if len(chosen) > 1:
        return _listed([_choice(found, chosen)], 300)
    query = request.query_string.decode("latin-1")
    answer = make_response(redirect(passed_on(_with_data(chosen[0], link, query), query), 307))
    answer.vary.update(("Accept", "Accept-Language"))
    return answer


def _with_data(chosen: Link, link: DigitalLink, query: str) -> str:
    """Add the data that an EPC binary string held to the target; a query passes on by itself."""
    if query or not link.attributes or not _compressed():
        return chosen.href
    return passed_on(chosen.href, "&".join(f"{ai}={value}" for ai, value in link.attributes))


def _compressed() -> bool:
    return bool(request.view_args) and "epc" in (request.view_args or {})


def _asked_for(found: Sequence[Level], asked: str) -> tuple[Link, ...]:
    name = type_name(asked)
    links = of_type(found, name) if name else ()
    if not links:
        raise NoSuchLink("Nothing of this kind is linked to this code")
    return best(links, _wishes())


def _by_default(found: Sequence[Level]) -> tuple[Link, ...]:
    """Give the default link, or the one variant of it that the request's wishes decide (2.6.1)."""
    default = default_of(found)
    variants = variants_of(found)
    wishes = _wishes()
    if variants and (wishes.languages or names_a_page()):
        fitting = best(variants, wishes)
        if len(fitting) == 1:
            return fitting
    if default is None:
        raise NoSuchLink("Nothing of this kind is linked to this code")
    return (default,)


def _wishes() -> Wishes:
    return Wishes(tuple(request.accept_mimetypes), tuple(request.accept_languages))


def _choice(found: Sequence[Level], chosen: Sequence[Link]) -> Level:
    level = next(level for level in found if set(chosen) <= set(level.links))
    return Level(level.anchor, level.description, tuple(chosen), None)


def page_words() -> Words:
    """Give the titles of our own pages in the language of this request."""
    spoken = request.accept_languages.best_match(["zh", "en"])
    language = request.cookies.get("lang") or (spoken or "zh")
    if language == "en":
        return Words("en", "Product page", "Where it comes from", "Its records", "Recall status")
    return Words("zh", "商品页", "来路与追溯", "追溯记录", "召回状态")


def _listed(found: Sequence[Level], status: int) -> Response:
    """Write the links in what the sender reads: a page, JSON-LD, or RFC 9264's JSON."""
    document = dict(linkset(found))
    accepted = dict(request.accept_mimetypes)
    if names_a_page() and accepted.get(LINKSET, 0) == 0:
        told = make_response(links_page(found, document, status=status), status)
    else:
        kind = LINKSET
        if LINKSET not in accepted and LINKED_DATA in accepted:
            kind = LINKED_DATA
            document = {**context_document(), **document}
        elif LINKSET not in accepted and "application/json" in accepted:
            kind = "application/json"
        told = Response(json.dumps(document, ensure_ascii=False), status, content_type=kind)
    told.vary.update(("Accept", "Accept-Language"))
    return told


def links_page(found: Sequence[Level], document: dict[str, Any], *, status: int) -> str:
    """Draw the page that lists links, or offers a choice of them."""
    return render_template(
        "trace/links.html",
        levels=found,
        choice=status == 300,  # noqa: PLR2004 -- Multiple Choices
        names=LINK_TYPE_NAMES,
        default=default_of(found),
        linked_data={**context_document(), **document},
        nonce=csp_nonce,
    )


def opened(response: Response, link: DigitalLink | None) -> Response:
    """Let every origin read the answer (2.2), and say where the links are listed."""
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Access-Control-Allow-Methods"] = METHODS
    headers["Access-Control-Allow-Headers"] = "Accept, Accept-Language, Content-Type"
    headers["Access-Control-Expose-Headers"] = "Content-Location, Link, Location"
    if link is not None:
        uri = base() + path_text(link.path)
        told = [f'<{uri}?linkType=linkset>; rel="linkset"; type="{LINKSET}"']
        if response.mimetype in {LINKSET, "application/json"} and response.status_code < 400:  # noqa: PLR2004
            told.append(
                f'<{base()}{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"; '
                f'type="{LINKED_DATA}"'
            )
        if _compressed():
            whole = DigitalLink(base(), link.path, link.attributes).uri()
            told.append(f'<{whole}>; rel="owl:sameAs"')
        # One line: readers of several see only the last
        headers["Link"] = ", ".join(told)
    return response


def preflight(link: DigitalLink | None) -> Response:
    """Answer OPTIONS."""
    answer = Response(status=204)
    answer.headers["Allow"] = METHODS
    answer.headers["Access-Control-Max-Age"] = "86400"
    return opened(answer, link)


def description() -> dict[str, Any]:
    """Describe this resolver (section 3)."""
    settings = current_app.extensions["settings"]
    return {
        "name": gettext("Jincheng Mountain Goods"),
        "resolverRoot": base(),
        "supportedPrimaryKeys": ["all"],
        "supportedLinkType": [{"namespace": VOCABULARY, "prefix": "gs1:"}],
        "supportedContextValuesEnumerated": [],
        "linkTypeDefaultCanBeLinkset": False,
        "validatesAIcombinations": False,
        "jsonLdContextLocation": base() + CONTEXT,
        "contact": {"fn": settings.public_host},
    }


def context_document() -> dict[str, Any]:
    """Give the JSON-LD context in which a linkset of RFC 9264 is linked data."""
    terms = "http://purl.org/dc/terms/"
    return {
        "@context": {
            "@version": 1.1,
            "@vocab": VOCABULARY,
            "linkset": "@graph",
            "anchor": "@id",
            "href": "@id",
            "itemDescription": terms + "description",
            "title": terms + "title",
            "type": terms + "format",
            "hreflang": {"@id": terms + "language", "@container": "@set"},
        }
    }
