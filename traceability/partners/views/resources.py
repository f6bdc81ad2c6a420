"""The top-level resources, and the events of each of their values."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from foundation.web import reading
from traceability.epcis.documents import EPC_FORMATS, URN, as_urn, collection
from traceability.epcis.identifiers import canonical
from traceability.epcis.patterns import like_pattern
from traceability.epcis.queries import lists
from traceability.epcis.queries.parameters import Asked, At, Condition, Match, Words
from traceability.epcis.queries.scope import Viewer
from traceability.epcis.queries.select import events_page
from traceability.epcis.words import word
from traceability.partners.access import MayDo, party_of
from traceability.partners.frame import epc_format, told, visitor, with_token
from traceability.partners.pages import paging
from traceability.partners.views.events import answer_question, prefixes_of_request

Listed = tuple[list[str], Any]


class Resource(NamedTuple):
    """A top-level resource: how its values are listed, and which condition one of them is."""

    listed: Callable[[Session, Viewer, int, Any], Listed]
    condition: Callable[[str], Condition]
    standard: Sequence[str] = ()
    uris: bool = False


def _words(kind: str) -> Callable[[Session, Viewer, int, Any], Listed]:
    def listed(session: Session, viewer: Viewer, size: int, mark: Any) -> Listed:
        begun = int(mark or 0)
        found = lists.vocabulary(session, kind, viewer)
        more = begun + size < len(found)
        return found[begun : begun + size], begun + size if more else None

    return listed


def _places(field: str) -> Callable[[Session, Viewer, int, Any], Listed]:
    def listed(session: Session, viewer: Viewer, size: int, mark: Any) -> Listed:
        return lists.places(session, field, viewer, size=size, after=mark or "")

    return listed


def _epcs(session: Session, viewer: Viewer, size: int, mark: Any) -> Listed:
    stage, key = mark or (0, "")
    return lists.epcs(session, viewer, size=size, after=(stage, key))


def _one_word(kind: str) -> Callable[[str], Condition]:
    return lambda value: Words(kind, (word(value, prefixes_of_request()),))


def _one_place(field: str) -> Callable[[str], Condition]:
    return lambda value: At(field, (canonical(value),), descendants=False)


def _one_epc(value: str) -> Condition:
    return Match(
        ("epc", "child", "parent", "input", "output"), (like_pattern(canonical(value)) or value,)
    )


RESOURCES: Final = {
    "eventTypes": Resource(
        _words("eventType"), _one_word("eventType"), lists.STANDARD["eventType"]
    ),
    "bizSteps": Resource(_words("bizStep"), _one_word("bizStep"), lists.STANDARD["bizStep"]),
    "dispositions": Resource(
        _words("disposition"), _one_word("disposition"), lists.STANDARD["disposition"]
    ),
    "epcs": Resource(_epcs, _one_epc, uris=True),
    "bizLocations": Resource(_places("bizLocation"), _one_place("bizLocation"), uris=True),
    "readPoints": Resource(_places("readPoint"), _one_place("readPoint"), uris=True),
}


def register(bp: Blueprint) -> None:
    """Hang up three addresses for each resource."""
    for name, resource in RESOURCES.items():
        for address, kind, view in (
            (f"/{name}", "", _list_of(resource)),
            (f"/{name}/<path:epcis_value>", "_one", _one_of(resource)),
            (f"/{name}/<path:epcis_value>/events", "_events", _events_of(resource)),
        ):
            bp.add_url_rule(
                address, name + kind, view, methods=["GET"], provide_automatic_options=False
            )


def _list_of(resource: Resource) -> Callable[..., ResponseReturnValue]:
    @with_token
    def listed() -> ResponseReturnValue:
        """Give the values that visible events have."""
        with reading() as session:
            party = party_of(session, visitor(), MayDo.QUERY)
            page = paging(party.owner)
            found, mark = resource.listed(session, party.viewer, page.size, page.mark)
        if resource.uris and epc_format() == URN:
            found = list(dict.fromkeys(as_urn(uri) for uri in found))
        headers = page.next(mark) if mark is not None else {}
        if resource.uris:
            headers["GS1-EPC-Format"] = epc_format() if epc_format() in EPC_FORMATS else ""
        return told(collection(found), headers=headers)

    return listed


def _one_of(resource: Resource) -> Callable[..., ResponseReturnValue]:
    @with_token
    def one(epcis_value: str) -> ResponseReturnValue:
        """Name what there is below one value: its events."""
        with reading() as session:
            party = party_of(session, visitor(), MayDo.QUERY)
            _must_be_known(session, resource, epcis_value, party.viewer)
        return told(collection(["events"]))

    return one


def _events_of(resource: Resource) -> Callable[..., ResponseReturnValue]:
    @with_token
    def events(epcis_value: str) -> ResponseReturnValue:
        """Give the events of one value that the parameters of the URL ask for."""
        with reading() as session:
            party = party_of(session, visitor(), MayDo.QUERY)
            _must_be_known(session, resource, epcis_value, party.viewer)
            return answer_question(session, party, resource.condition(epcis_value))

    return events


def _must_be_known(session: Session, resource: Resource, value: str, viewer: Viewer) -> None:
    """Raise NotFound for a value that no visible event has and the standard does not know."""
    if value in resource.standard:
        return
    found = events_page(session, Asked((resource.condition(value),)), viewer, size=1)
    if not found.events:
        raise NotFound("There are no events of this")
