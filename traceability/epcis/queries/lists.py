"""The top-level resources: which event types, EPCs, steps, places and dispositions there are."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from goods.catalogue.models import Sku
from goods.stock.models import LogisticUnit, Serial
from parties.network.models import Place
from traceability.epcis.models import EpcisWord, EventIdentifier
from traceability.epcis.queries.scope import Viewer, visible
from traceability.epcis.queries.select import limit_time
from traceability.epcis.words import BIZ_STEPS, DISPOSITIONS, EVENT_TYPES
from traceability.models import EventSerial, EventUnit, TraceEvent

STANDARD: Final = {
    "eventType": EVENT_TYPES,
    "bizStep": BIZ_STEPS,
    "disposition": DISPOSITIONS,
}
EPC_FIELDS: Final = ("epc", "child", "parent", "input", "output")


def vocabulary(session: Session, kind: str, viewer: Viewer) -> list[str]:
    """Give the standard's words of a kind, then those that partners brought."""
    query = select(EpcisWord.word).where(EpcisWord.kind == kind).distinct()
    if not viewer.everything:
        query = query.where(EpcisWord.organisation_id.in_(viewer.organisation_ids))
    return [*STANDARD[kind], *session.scalars(query.order_by(EpcisWord.word))]


def namespaces(session: Session, viewer: Viewer) -> dict[str, list[str]]:
    """Give, by prefix, the namespaces for which captured events used it."""
    query = select(EpcisWord.word, EpcisWord.namespace).where(EpcisWord.kind == "prefix")
    if not viewer.everything:
        query = query.where(EpcisWord.organisation_id.in_(viewer.organisation_ids))
    found: dict[str, list[str]] = {}
    for prefix, uri in session.execute(query.distinct().order_by(EpcisWord.namespace)):
        found.setdefault(prefix, []).append(uri)
    return found


def places(
    session: Session, field: str, viewer: Viewer, *, size: int, after: str
) -> tuple[list[str], str | None]:
    """Give the read points or business locations of visible events, in the order of their URIs."""
    limit_time(session)
    column = TraceEvent.read_point_id if field == "readPoint" else TraceEvent.biz_location_id
    base = "https://id.gs1.org/414/"
    own = (
        select(Place.gln)
        .where(
            Place.gln.is_not(None),
            exists(select(1).where(column == Place.id, visible(viewer)).correlate(Place)),
        )
        .order_by(Place.gln)
        .limit(size + 1)
    )
    if after.startswith(base):
        own = own.where(Place.gln > after.removeprefix(base).partition("/")[0])
    found = {base + str(gln) for gln in session.scalars(own)}
    found |= set(_foreign(session, (field,), viewer, size=size, after=after))
    return _page(sorted(uri for uri in found if uri > after), size)


def epcs(
    session: Session, viewer: Viewer, *, size: int, after: tuple[int, str]
) -> tuple[list[str], tuple[int, str] | None]:
    """Give the EPCs of visible events: cases, then items, then what is not this platform's."""
    limit_time(session)
    stage, last = after
    found: list[tuple[int, str, str]] = []
    for number in range(stage, len(STAGES)):
        begun = last if number == stage else ""
        keys = STAGES[number](session, viewer, size + 1 - len(found), begun)
        found += [(number, key, uri) for key, uri in keys]
        if len(found) > size:
            break
    page = found[:size]
    end = (page[-1][0], page[-1][1]) if page and len(found) > size else None
    return [uri for _number, _key, uri in page], end


def _cases(session: Session, viewer: Viewer, size: int, after: str) -> Sequence[tuple[str, str]]:
    query = (
        select(LogisticUnit.sscc)
        .where(
            LogisticUnit.sscc > after,
            exists(
                select(1)
                .select_from(EventUnit)
                .join(TraceEvent, TraceEvent.id == EventUnit.event_id)
                .where(
                    EventUnit.unit_id == LogisticUnit.id,
                    EventUnit.field.is_not(None),
                    visible(viewer),
                )
                .correlate(LogisticUnit)
            ),
        )
        .order_by(LogisticUnit.sscc)
        .limit(size)
    )
    return [(sscc, f"https://id.gs1.org/00/{sscc}") for sscc in session.scalars(query)]


def _items(session: Session, viewer: Viewer, size: int, after: str) -> Sequence[tuple[str, str]]:
    query = (
        select(Serial.id, Sku.gtin, Serial.serial)
        .join(Sku, Sku.id == Serial.sku_id)
        .where(
            Serial.id > int(after or 0),
            exists(
                select(1)
                .select_from(EventSerial)
                .join(TraceEvent, TraceEvent.id == EventSerial.event_id)
                .where(
                    EventSerial.serial_id == Serial.id,
                    EventSerial.field.is_not(None),
                    visible(viewer),
                )
                .correlate(Serial)
            ),
        )
        .order_by(Serial.id)
        .limit(size)
    )
    return [
        (str(key), f"https://id.gs1.org/01/{gtin}/21/{quote(serial, safe='')}")
        for key, gtin, serial in session.execute(query)
    ]


def _others(session: Session, viewer: Viewer, size: int, after: str) -> Sequence[tuple[str, str]]:
    found = _foreign(session, EPC_FIELDS, viewer, size=size - 1, after=after)
    return [(uri, uri) for uri in found]


STAGES: Final[Sequence[Any]] = (_cases, _items, _others)


def _foreign(
    session: Session, fields: Sequence[str], viewer: Viewer, *, size: int, after: str
) -> list[str]:
    bytewise = "C" if session.get_bind().dialect.name == "postgresql" else "BINARY"
    found = EventIdentifier.canonical.collate(bytewise)
    query = (
        select(found)
        .join(TraceEvent, TraceEvent.id == EventIdentifier.event_id)
        .where(EventIdentifier.field.in_(fields), found > after, visible(viewer))
        .distinct()
        .order_by(found)
        .limit(size + 1)
    )
    return list(session.scalars(query))


def _page(found: list[str], size: int) -> tuple[list[str], str | None]:
    page = found[:size]
    return page, page[-1] if len(found) > size else None
