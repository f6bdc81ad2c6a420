"""Answers as EPCISQueryDocuments (EPCIS 2.0 section 10, JSON binding)."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from traceability.epcis.facts import EPC_LISTS, QUANTITY_LISTS
from traceability.epcis.identity import canonical, identify
from traceability.epcis.queries.select import Found
from traceability.epcis.urns import epc_urn

CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
_STANDARD: Final = ("https://ref.gs1.org/standards/epcis", "https://gs1.github.io/EPCIS/")
DIGITAL_LINK: Final = "Always_GS1_Digital_Link"
URN: Final = "Always_EPC_URN"
AS_SENT: Final = "Never_Translates"
NO_PREFERENCE: Final = "No_Preference"
EPC_FORMATS: Final = (NO_PREFERENCE, DIGITAL_LINK, URN, AS_SENT)

Spelling = Callable[[str], str]


def query_document(
    events: Sequence[Found],
    *,
    now: datetime,
    epc_format: str = DIGITAL_LINK,
    query_name: str = "SimpleEventQuery",
    subscription_id: str | None = None,
    own_prefix: str = "",
) -> dict[str, Any]:
    """Wrap events in an EPCISQueryDocument, with one context that explains all of them."""
    terms: dict[str, Any] = {}
    remote: list[str] = []
    listed = []
    for one in events:
        event = event_in(one, epc_format, own_prefix=own_prefix)
        listed.append(_under(event, terms, remote))
    results: dict[str, Any] = {"queryName": query_name, "resultsBody": {"eventList": listed}}
    if subscription_id is not None:
        results = {"subscriptionID": subscription_id, **results}
    return {
        "@context": [CONTEXT, *remote, *({name: terms[name]} for name in terms)],
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": now.astimezone(UTC).isoformat(timespec="milliseconds"),
        "epcisBody": {"queryResults": results},
    }


def event_in(one: Found, epc_format: str, *, own_prefix: str = "") -> dict[str, Any]:
    """Give an event in the format asked for; it brings its own @context."""
    document: dict[str, Any] = json.loads(one.document)
    if epc_format == AS_SENT and one.sent is not None:
        sent: dict[str, Any] = json.loads(one.sent)
        return {**sent, "eventID": document["eventID"], "recordTime": document["recordTime"]}
    if epc_format == URN:
        spelt = _spellings(json.loads(one.sent)) if one.sent else {}
        return _respelt(document, lambda uri: spelt.get(uri) or as_urn(uri, own_prefix))
    return document


def _spellings(sent: Mapping[str, Any]) -> dict[str, str]:
    """Give, by canonical identifier, the URN by which an event's sender wrote it."""
    found: dict[str, str] = {}

    def note(uri: str) -> str:
        if uri.startswith("urn:epc:"):
            found.setdefault(canonical(uri), uri)
        return uri

    _respelt(sent, note)
    return found


def as_urn(uri: str, own_prefix: str = "") -> str:
    """Give the EPC URN of a Digital Link whose company prefix is known; else the link itself."""
    identity = identify(uri)
    if identity is None or identity.issuer is None:
        return uri
    length = prefix_length(identity.issuer, own_prefix)
    return (epc_urn(identity, length) if length else None) or uri


def prefix_length(issuer: str, own_prefix: str) -> int | None:
    """Tell how long the company prefix of a key is: by this installation's own, or in GS1 China.

    GS1 China gives prefixes of 7 digits under 690 and 691, 8 under 692 to 696, 9 under 697.
    """
    if own_prefix and issuer.startswith(own_prefix):
        return len(own_prefix)
    known = {"690": 7, "691": 7, "697": 9} | {str(n): 8 for n in range(692, 697)}
    return known.get(issuer[:3])


def _respelt(event: Mapping[str, Any], spell: Spelling) -> dict[str, Any]:
    """Give an event with each of its identifiers spelt anew."""
    told = dict(event)
    for name, _field in EPC_LISTS:
        if name in told:
            told[name] = [spell(uri) for uri in told[name]]
    for name, _field in QUANTITY_LISTS:
        if name in told:
            told[name] = [{**each, "epcClass": spell(each["epcClass"])} for each in told[name]]
    if "parentID" in told:
        told["parentID"] = spell(told["parentID"])
    for name in ("readPoint", "bizLocation"):
        if name in told:
            told[name] = {**told[name], "id": spell(told[name]["id"])}
    for name, part in (
        ("bizTransactionList", "bizTransaction"),
        ("sourceList", "source"),
        ("destinationList", "destination"),
    ):
        if name in told:
            told[name] = [{**each, part: spell(each[part])} for each in told[name]]
    return told


def _under(event: dict[str, Any], terms: dict[str, Any], remote: list[str]) -> dict[str, Any]:
    """Bring an event under the common context; what contradicts it stays with the event."""
    context = event.pop("@context", None)
    own: dict[str, Any] = {}
    for part in context if isinstance(context, list) else [context]:
        if isinstance(part, str) and not part.startswith(_STANDARD) and part not in remote:
            remote.append(part)
        elif isinstance(part, Mapping):
            own |= {
                name: meaning
                for name, meaning in part.items()
                if terms.setdefault(name, meaning) != meaning
            }
    return {"@context": own, **event} if own else event


def collection(members: Sequence[str], prefixes: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Give a list of resources."""
    context: Any = [CONTEXT, dict(prefixes)] if prefixes else CONTEXT
    return {"@context": context, "type": "Collection", "member": list(members)}
