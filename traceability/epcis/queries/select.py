"""Turns a query into SQL and reads one page of its answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    false,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from foundation.db import Moment
from foundation.errors import Refused
from goods.catalogue.models import Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from parties.network.models import Place
from traceability.epcis.identifiers import known
from traceability.epcis.models import (
    EventFact,
    EventIdentifier,
    MasterAttribute,
    ReportedEvent,
)
from traceability.epcis.queries.parameters import (
    Asked,
    At,
    Attribute,
    Condition,
    Declared,
    FactIs,
    HasFact,
    Ids,
    Match,
    NotReported,
    Order,
    When,
    Words,
)
from traceability.epcis.queries.scope import Viewer, visible
from traceability.epcis.words import BIZ_STEPS, DISPOSITIONS, EVENT_TYPES
from traceability.models import EventLot, EventSerial, EventUnit, TraceEvent

LONGEST_QUERY_MS: Final = 15_000
DEEPEST: Final = 8
"""How many generations of places below a place are looked for."""
WILD: Final = "%"


class TooLarge(Refused):
    """A query finds more events than its maxEventCount."""

    code = "query_too_large"
    status = 413


@dataclass(frozen=True, slots=True)
class Found:
    """One event of an answer."""

    id: UUID
    document: str
    sent: str | None
    event_time: datetime
    record_time: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page ended: the value it was ordered by and the event's id, or how far it counted."""

    after: datetime | None = None
    id: UUID | None = None
    offset: int = 0
    left: int | None = None
    """How many events eventCountLimit still allows."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of events, and where the next one begins, when there is one."""

    events: Sequence[Found]
    next: Mark | None


def events_page(
    session: Session,
    asked: Asked,
    viewer: Viewer,
    *,
    size: int,
    start: Mark | None = None,
) -> Answer:
    """Read one page of what `viewer` may see of the answer; raise TooLarge."""
    limit_time(session)
    query = select(
        TraceEvent.id,
        TraceEvent.document,
        TraceEvent.sent,
        TraceEvent.event_time,
        TraceEvent.record_time,
    ).where(visible(viewer), *(_where(session, one, viewer) for one in asked.conditions))
    if asked.max_event_count is not None and start is None:
        most = asked.max_event_count
        ids = query.with_only_columns(TraceEvent.id).limit(most + 1).subquery()
        if (session.scalar(select(func.count()).select_from(ids)) or 0) > most:
            raise TooLarge("The query finds more than %(most)s events", most=most)
    left = asked.event_count_limit if start is None else start.left
    wanted = size if left is None else min(size, left)
    query = _ordered(query, asked.order, start)
    rows = [Found(*row) for row in session.execute(query.limit(wanted + 1))]
    more, page = len(rows) > wanted, rows[:wanted]
    if left is not None:
        left -= len(page)
    if not more or not page or left == 0:
        return Answer(page, None)
    last = page[-1]
    if asked.order.by is None:
        following = Mark(id=last.id, left=left)
    elif asked.order.by in {"eventTime", "recordTime"}:
        when = last.event_time if asked.order.by == "eventTime" else last.record_time
        following = Mark(after=when, id=last.id, left=left)
    else:
        begun = start.offset if start else 0
        following = Mark(offset=begun + len(page), left=left)
    return Answer(page, following)


def limit_time(session: Session) -> None:
    """Let no question of a partner keep the database busy for long."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL statement_timeout = {LONGEST_QUERY_MS}"))


def _ordered(query: Select[Any], order: Order, start: Mark | None) -> Select[Any]:
    if order.by is None:
        if start and start.id:
            query = query.where(TraceEvent.id < start.id)
        return query.order_by(TraceEvent.id.desc())
    if order.by in {"eventTime", "recordTime"}:
        column = TraceEvent.event_time if order.by == "eventTime" else TraceEvent.record_time
        key = tuple_(column, TraceEvent.id)
        if start and start.after is not None:
            begun = tuple_(literal(start.after, Moment()), literal(start.id, TraceEvent.id.type))
            query = query.where(key < begun if order.descending else key > begun)
        columns = (column, TraceEvent.id)
        return query.order_by(*(c.desc() if order.descending else c.asc() for c in columns))
    values = (
        select(
            EventFact.event_id.label("event_id"),
            func.min(EventFact.number).label("number"),
            func.min(EventFact.moment).label("moment"),
            func.min(EventFact.text).label("text"),
        )
        .where(EventFact.path == order.by)
        .group_by(EventFact.event_id)
        .subquery()
    )
    query = query.outerjoin(values, values.c.event_id == TraceEvent.id)
    keys: list[Any] = []
    each: Any
    for each in (values.c.number, values.c.moment, values.c.text, TraceEvent.id):
        keys += [each.is_(None), each.desc() if order.descending else each.asc()]
    return query.order_by(*keys).offset(start.offset if start else 0)


def _where(  # noqa: C901, PLR0911 -- one kind of condition each
    session: Session, one: Condition, viewer: Viewer
) -> ColumnElement[bool]:
    match one:
        case Words(field, values):
            return _words(field, values)
        case When(field, operator, value):
            column = {
                "eventTime": TraceEvent.event_time,
                "recordTime": TraceEvent.record_time,
                "declarationTime": TraceEvent.declared_at,
            }[field]
            return column >= value if operator == "GE" else column < value
        case Match(fields, patterns):
            return or_(*(_match(session, fields, pattern) for pattern in patterns))
        case At(field, places, descendants):
            return _at(session, field, places, viewer, descendants=descendants)
        case Ids(values):
            own = [UUID(v[9:]) for v in values if _is_uuid_urn(v)]
            return or_(
                TraceEvent.event_uri.in_(values),
                and_(TraceEvent.id.in_(own), TraceEvent.event_uri.is_(None)),
            )
        case Declared():
            return TraceEvent.declared_at.is_not(None)
        case HasFact(paths):
            return TraceEvent.id.in_(select(EventFact.event_id).where(EventFact.path.in_(paths)))
        case FactIs():
            return _fact(one)
        case NotReported(subscription_id):
            told = select(ReportedEvent.event_id).where(
                ReportedEvent.subscription_id == subscription_id
            )
            return TraceEvent.id.not_in(told)
        case Attribute(field, names, values):
            return _attribute(field, names, values, viewer)


def _is_uuid_urn(value: str) -> bool:
    if not value.startswith("urn:uuid:"):
        return False
    try:
        UUID(value[9:])
    except ValueError:
        return False
    return True


WORD_COLUMNS: Final = {
    "eventType": (TraceEvent.event_type, frozenset(EVENT_TYPES)),
    "bizStep": (TraceEvent.biz_step, frozenset(BIZ_STEPS)),
    "disposition": (TraceEvent.disposition, frozenset(DISPOSITIONS)),
}


def _words(field: str, values: Sequence[str]) -> ColumnElement[bool]:
    if field == "action":
        return TraceEvent.action.in_(values)
    column, standard = WORD_COLUMNS[field]
    bare = [value for value in values if value in standard]
    others = [value for value in values if value not in standard]
    found: list[ColumnElement[bool]] = [column.in_(bare)] if bare else []
    if others:
        found.append(
            TraceEvent.id.in_(
                select(EventFact.event_id).where(
                    EventFact.path == field, EventFact.text.in_(others)
                )
            )
        )
    return or_(*found)


def _plain(pattern: str) -> str | None:
    """Give the identifier that a LIKE pattern without wildcards stands for."""
    bare = pattern.replace("\\\\", "").replace("\\%", "").replace("\\_", "")
    if WILD in bare or "_" in bare:
        return None
    return pattern.replace("\\%", "%").replace("\\_", "_").replace("\\\\", "\\")


def _match(session: Session, fields: tuple[str, ...], pattern: str) -> ColumnElement[bool]:
    exact = _plain(pattern)
    foreign = select(EventIdentifier.event_id).where(EventIdentifier.field.in_(fields))
    if exact is None:
        like = EventIdentifier.canonical.like(pattern, escape="\\")
        return TraceEvent.id.in_(union_all(foreign.where(like), *_own_like(fields, pattern)))
    foreign = foreign.where(EventIdentifier.canonical == exact)
    own: list[Select[Any]] = []
    found = known(session, [exact])
    own += [
        select(EventSerial.event_id).where(
            EventSerial.serial_id == one.id, EventSerial.field.in_(fields)
        )
        for one in found.serials.values()
    ]
    own += [
        select(EventUnit.event_id).where(EventUnit.unit_id == one.id, EventUnit.field.in_(fields))
        for one in found.units.values()
    ]
    own += [
        select(EventLot.event_id).where(EventLot.lot_id == one.id, EventLot.field.in_(fields))
        for one in found.lots.values()
    ]
    return TraceEvent.id.in_(union_all(foreign, *own) if own else foreign)


def _own_like(fields: tuple[str, ...], pattern: str) -> Iterable[Select[Any]]:
    base = "https://id.gs1.org/"
    if not pattern.startswith(base):
        return
    ai, _slash, rest = pattern.removeprefix(base).partition("/")
    key, _slash, qualifier = rest.partition("/")
    if ai == "00":
        yield (
            select(EventUnit.event_id)
            .join(LogisticUnit, LogisticUnit.id == EventUnit.unit_id)
            .where(LogisticUnit.sscc.like(key, escape="\\"), EventUnit.field.in_(fields))
        )
    if ai == "01" and qualifier in {"21/%", ""}:
        yield (
            select(EventSerial.event_id)
            .join(Serial, Serial.id == EventSerial.serial_id)
            .join(Sku, Sku.id == Serial.sku_id)
            .where(Sku.gtin.like(key, escape="\\"), EventSerial.field.in_(fields))
        )
    if ai == "01" and qualifier in {"10/%", ""}:
        yield (
            select(EventLot.event_id)
            .join(Lot, Lot.id == EventLot.lot_id)
            .join(Sku, Sku.id == Lot.sku_id)
            .where(Sku.gtin.like(key, escape="\\"), EventLot.field.in_(fields))
        )


def _at(
    session: Session, field: str, places: Sequence[str], viewer: Viewer, *, descendants: bool
) -> ColumnElement[bool]:
    uris = set(places)
    parts: list[ColumnElement[bool]] = []
    if descendants:
        uris |= _below(session, uris, viewer)
        parts = [
            EventIdentifier.canonical.like(_escaped(uri) + "/254/%", escape="\\")
            for uri in sorted(uris)
            if uri.startswith("https://id.gs1.org/414/") and uri.count("/") == 4  # noqa: PLR2004 -- a GLN alone
        ]
    column = TraceEvent.read_point_id if field == "readPoint" else TraceEvent.biz_location_id
    own = [place.id for place in known(session, uris).places.values()]
    foreign = select(EventIdentifier.event_id).where(
        EventIdentifier.field == field, or_(EventIdentifier.canonical.in_(sorted(uris)), *parts)
    )
    elsewhere = TraceEvent.id.in_(foreign)
    if own and not descendants and len(own) == len(uris):
        return column.in_(own)
    return or_(column.in_(own), elsewhere) if own else elsewhere


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _below(session: Session, places: set[str], viewer: Viewer) -> set[str]:
    """Give the direct and indirect descendants of places, by captured master data (§6.5)."""
    found: set[str] = set()
    frontier = places
    for _generation in range(DEEPEST):
        query = select(MasterAttribute.value).where(
            MasterAttribute.attribute == "child",
            MasterAttribute.element.in_(sorted(frontier)),
            *_told_by(viewer),
        )
        frontier = set(session.scalars(query)) - found - places
        if not frontier:
            break
        found |= frontier
    return found


def _told_by(viewer: Viewer) -> Iterable[ColumnElement[bool]]:
    if not viewer.everything:
        yield MasterAttribute.organisation_id.in_(viewer.organisation_ids)


def _fact(one: FactIs) -> ColumnElement[bool]:
    queries = []
    base = select(EventFact.event_id).where(EventFact.path.in_(one.paths))
    for column, values in (
        (EventFact.text, one.texts),
        (EventFact.number, one.numbers),
        (EventFact.moment, one.moments),
    ):
        if values:
            queries.append(base.where(_compared(column, one.operator, values)))
    if not queries:
        return false()
    return TraceEvent.id.in_(union_all(*queries) if len(queries) > 1 else queries[0])


def _compared(column: Any, operator: str, values: Sequence[Any]) -> ColumnElement[bool]:
    first = values[0]
    match operator:
        case "GT":
            compared = column > first
        case "GE":
            compared = column >= first
        case "LT":
            compared = column < first
        case "LE":
            compared = column <= first
        case _:
            compared = column.in_(values)
    found: ColumnElement[bool] = compared
    return found


PLACE_ATTRIBUTES: Final[Mapping[str, Any]] = {
    "urn:epcglobal:cbv:mda:name": Place.name_zh,
    "urn:epcglobal:cbv:mda:site": Place.gln,
    "urn:epcglobal:cbv:mda:countyCode": Place.county_code,
    "urn:epcglobal:cbv:mda:streetAddressOne": Place.address_zh,
}
"""CBV master data attributes (CBV 2.0 section 9) of the network's own places."""


def _attribute(
    field: str, names: Sequence[str], values: Sequence[str] | None, viewer: Viewer
) -> ColumnElement[bool]:
    told = select(MasterAttribute.element).where(
        MasterAttribute.attribute.in_(names), *_told_by(viewer)
    )
    if values is not None:
        told = told.where(MasterAttribute.value.in_(values))
    fields = {
        "epcList": ("epc",),
        "childEPCs": ("child",),
        "epc": ("epc", "child"),
        "parentID": ("parent",),
        "epcClass": ("epcClass", "childClass"),
    }.get(field, (field,))
    found: list[ColumnElement[bool]] = [
        TraceEvent.id.in_(
            select(EventIdentifier.event_id).where(
                EventIdentifier.field.in_(fields), EventIdentifier.canonical.in_(told)
            )
        )
    ]
    if field in {"readPoint", "bizLocation"}:
        column = TraceEvent.read_point_id if field == "readPoint" else TraceEvent.biz_location_id
        uri = literal("https://id.gs1.org/414/").concat(Place.gln)
        found.append(column.in_(select(Place.id).where(Place.gln.is_not(None), uri.in_(told))))
        for name in names:
            known_column = PLACE_ATTRIBUTES.get(name)
            if known_column is not None:
                has = and_(Place.gln.is_not(None), known_column.is_not(None), known_column != "")
                if values is not None:
                    has = and_(has, known_column.in_(values))
                found.append(column.in_(select(Place.id).where(has)))
    return or_(*found)


def event_by_uri(session: Session, uri: str, viewer: Viewer) -> list[Found]:
    """Give the event of an eventID, and its error declaration when there is one."""
    answer = events_page(session, Asked((Ids((uri,)),)), viewer, size=100)
    return list(answer.events)


__all__ = ["Answer", "Found", "Mark", "TooLarge", "event_by_uri", "events_page"]
