"""What the ledger knows of the things that a batch of events names, in few statements.

Goods of this network are read from the stock room, which is what their events left; everything
else is told again from the events that name it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import case, exists, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from foundation.locks import lock_key
from goods.catalogue.models import Product, Sku
from goods.stock.models import LogisticUnit, Serial
from parties.network.models import Place, Region
from traceability.epcis.acts import Act, act_of
from traceability.epcis.identity import BASE, Identity, identify
from traceability.epcis.lives import ItemState, States, advance
from traceability.epcis.models import EventIdentifier
from traceability.epcis.rules import USUAL, Breach, Owns, Policy, judged
from traceability.epcis.vocabulary import BIZ_STEPS, short_name
from traceability.models import EventLot, EventSerial, EventUnit, TraceEvent

_AT_ONCE: Final = 400
_DEEP: Final = 4
"""Boxes on pallets in containers: parents of parents are read so far up."""
_FIELDS: Final = ("epc", "child", "parent", "input", "output")
_ENDED: Final = {"sold": "retail_selling", "used": "transforming", "destroyed": "destroying"}
"""How a state of the stock room came about."""


def ledger_breaches(
    session: Session,
    events: Sequence[Mapping[str, Any]],
    *,
    organisation_id: int,
    policy: Policy = USUAL,
) -> list[list[Breach]]:
    """Judge the events of one capture in their order; give the breaches of each.

    `events` have the right form (`validation`) and were not recorded before. An event that is
    refused leaves what is known as it was, so that those after it are judged without it. Raises
    ValueError for a time out of range.
    """
    acts = [act_of(event, organisation_id=organisation_id) for event in events]
    if any(act.children for act in acts):
        lock_key(session, "epcis-packing")  # nobody else packs the same child meanwhile
    states = states_of(session, acts)
    owns = owns_of(session, acts, organisation_id)
    return judged(acts, states, policy, owns=owns)


def states_of(session: Session, acts: Iterable[Act]) -> States:
    """Give the state of every instance that the events name, and of what it is packed in."""
    wanted = {item for act in acts for item in act.named}
    states: States = {}
    _read_serials(session, wanted, states)
    _read_units(
        session, wanted | {state.parent for state in states.values() if state.parent}, states
    )
    _tell_again(session, wanted - states.keys(), states)
    return states


# Goods of this network


class _Times(NamedTuple):
    began_at: datetime | None
    last_at: datetime | None


_MADE: Final = (TraceEvent.action == "ADD") | (TraceEvent.event_type == "TransformationEvent")
_BEGAN: Final = func.min(case((_MADE, TraceEvent.event_time)))


def _read_serials(session: Session, wanted: set[str], states: States) -> None:
    keys = {}
    for item in wanted:
        found = identify(item)
        if found is not None and (found.ai, found.qualifier_ai) == ("01", "21"):
            keys[found.key, found.qualifier] = item
    rows: list[Any] = []
    for some in _parts(list(keys)):
        rows += session.execute(
            select(
                *(Sku.gtin, Serial.serial, Serial.id, Serial.lot_id, Serial.state),
                *(Place.organisation_id, LogisticUnit.sscc),
            )
            .join(Sku, Sku.id == Serial.sku_id)
            .join(Place, Place.id == Serial.place_id)
            .outerjoin(LogisticUnit, LogisticUnit.id == Serial.unit_id)
            .where(tuple_(Sku.gtin, Serial.serial).in_(some))
        )
    own = _times(session, EventSerial.serial_id, EventSerial.event_id, {row.id for row in rows})
    lots = _lots_began(session, {row.lot_id for row in rows})
    for row in rows:
        times = own.get(row.id, _Times(None, None))
        end = _ENDED.get(row.state)
        states[keys[row.gtin, row.serial]] = ItemState(
            began_at=times.began_at or lots.get(row.lot_id),
            began=True,
            ended_at=times.last_at if end else None,
            end=end,
            last_at=times.last_at,
            holder=row.organisation_id,
            parent=f"{BASE}/00/{row.sscc}" if row.sscc else None,
            foreign=False,
        )
    unmade = {gtin for gtin, serial in keys if keys[gtin, serial] not in states}
    ours = _gtins(session, unmade)
    for (gtin, _serial), item in keys.items():
        if gtin in ours and item not in states:
            states[item] = ItemState(foreign=False)


def _read_units(session: Session, wanted: set[str], states: States) -> None:
    keys = {item[-18:]: item for item in wanted if item.startswith(f"{BASE}/00/")}
    rows: list[Any] = []
    for some in _parts(list(keys)):
        rows += session.execute(
            select(LogisticUnit.sscc, LogisticUnit.id, Place.organisation_id)
            .join(Place, Place.id == LogisticUnit.place_id)
            .where(LogisticUnit.sscc.in_(some))
        )
    own = _times(session, EventUnit.unit_id, EventUnit.event_id, {row.id for row in rows})
    for row in rows:
        times = own.get(row.id, _Times(None, None))
        states[keys[row.sscc]] = ItemState(
            began=True, last_at=times.last_at, holder=row.organisation_id, foreign=False
        )


def _times(session: Session, key: Any, event: Any, ids: set[int]) -> dict[int, _Times]:
    """Give when each thing began and was last seen."""
    found: dict[int, _Times] = {}
    for some in _parts(sorted(ids)):
        for one, began, last in session.execute(
            select(key, _BEGAN, func.max(TraceEvent.event_time))
            .join(TraceEvent, TraceEvent.id == event)
            .where(key.in_(some), TraceEvent.declared_at.is_(None))
            .group_by(key)
        ):
            found[one] = _Times(began, last)
    return found


def _lots_began(session: Session, lot_ids: set[int]) -> dict[int, datetime]:
    """Give when lots were made: their items began then, where no event names them."""
    found: dict[int, datetime] = {}
    for some in _parts(sorted(lot_ids)):
        rows = session.execute(
            select(EventLot.lot_id, func.min(TraceEvent.event_time))
            .join(TraceEvent, TraceEvent.id == EventLot.event_id)
            .where(
                EventLot.lot_id.in_(some),
                EventLot.role.in_(("epc", "output")),
                EventLot.whole_lot | (EventLot.role == "output"),
                _MADE,
            )
            .group_by(EventLot.lot_id)
        )
        found.update(rows.tuples().all())
    return found


def _gtins(session: Session, gtins: set[str]) -> dict[str, int]:
    """Give who supplies each of these articles that is one of this network's."""
    found: dict[str, int] = {}
    for some in _parts(sorted(gtins)):
        rows = session.execute(
            select(Sku.gtin, Product.supplier_id)
            .join(Product, Product.id == Sku.product_id)
            .where(Sku.gtin.in_(some))
        )
        found.update(rows.tuples().all())
    return found


# Everything else


@dataclass(slots=True)
class _Event:
    """An event as the identifiers of one batch see it."""

    row: Any
    named: dict[str, list[str]] = field(default_factory=dict)

    def act(self) -> Act:
        named = {name: tuple(items) for name, items in self.named.items()}
        return Act(
            event_type=self.row.event_type,
            action=self.row.action,
            step=short_name(self.row.biz_step or "", BIZ_STEPS),
            at=self.row.event_time,
            things=named.get("epc", ()),
            parent=named.get("parent", (None,))[0],
            children=named.get("child", ()),
            inputs=named.get("input", ()),
            outputs=named.get("output", ()),
            organisation_id=self.row.organisation_id,
        )


def _tell_again(session: Session, wanted: set[str], states: States) -> None:
    """Tell the events of things again in the order in which they were recorded."""
    events: dict[UUID, _Event] = {}
    asked: set[str] = set()
    for _level in range(_DEEP):
        if not (fresh := wanted - asked):
            break
        asked |= fresh
        children = _events_naming(session, fresh, events)
        wanted = _name_parents(session, children, events) - states.keys()
    for event in sorted(events.values(), key=_order):
        advance(event.act(), states)


def _order(event: _Event) -> tuple[datetime, datetime, bytes]:
    """Give by what events are told again: those of one document by when they happened."""
    return event.row.record_time, event.row.event_time, event.row.id.bytes


def _events_naming(session: Session, items: set[str], events: dict[UUID, _Event]) -> list[UUID]:
    """Read the events that name these; give those in which they are packed or taken out."""
    declared = aliased(TraceEvent)
    packing: list[UUID] = []
    for some in _parts(sorted(items)):
        rows = session.execute(
            select(
                *(EventIdentifier.canonical, EventIdentifier.field, TraceEvent.id),
                *(TraceEvent.event_type, TraceEvent.action, TraceEvent.biz_step),
                *(TraceEvent.event_time, TraceEvent.record_time, TraceEvent.organisation_id),
            )
            .join(TraceEvent, TraceEvent.id == EventIdentifier.event_id)
            .where(
                EventIdentifier.canonical.in_(some),
                EventIdentifier.field.in_(_FIELDS),
                TraceEvent.declared_at.is_(None),
                ~exists().where(
                    declared.event_uri == TraceEvent.event_uri, declared.declared_at.is_not(None)
                ),
            )
        )
        for row in rows:
            event = events.setdefault(row.id, _Event(row))
            event.named.setdefault(row.field, []).append(row.canonical)
            if row.field == "child" and row.event_type == "AggregationEvent":
                packing.append(row.id)
    return packing


def _name_parents(
    session: Session, event_ids: Sequence[UUID], events: dict[UUID, _Event]
) -> set[str]:
    """Say of these events into what they pack; give what that is."""
    parents: set[str] = set()
    for some in _parts([one for one in event_ids if "parent" not in events[one].named]):
        strange = select(EventIdentifier.event_id, EventIdentifier.canonical).where(
            EventIdentifier.event_id.in_(some), EventIdentifier.field == "parent"
        )
        ours = (
            select(EventUnit.event_id, LogisticUnit.sscc)
            .join(LogisticUnit, LogisticUnit.id == EventUnit.unit_id)
            .where(EventUnit.event_id.in_(some), EventUnit.field == "parent")
        )
        found = [*session.execute(strange).tuples()]
        found += [(one, f"{BASE}/00/{sscc}") for one, sscc in session.execute(ours).tuples()]
        for event_id, parent in found:
            events[event_id].named.setdefault("parent", []).append(parent)
            parents.add(parent)
    return parents


# Who issues which key


def owns_of(session: Session, acts: Iterable[Act], organisation_id: int) -> Owns:
    """Tell whether an organisation may issue the keys in these events.

    A GTIN is its supplier's, a GLN whose place it names; cases of the whole network are numbered
    under the region's company prefix. Of other keys nobody here knows whose they are.
    """
    issued = {item for act in acts for item in (*act.issued, act.parent) if item is not None}
    keys = [found for item in issued if (found := identify(item)) is not None]
    suppliers = _gtins(session, {one.key for one in keys if one.ai == "01"})
    network = {
        key.key: True
        for prefix in session.scalars(select(Region.gs1_prefix))
        for key in keys
        if key.ai == "00" and key.key[1:].startswith(prefix)
    }

    def owns(identity: Identity) -> bool | None:
        if identity.ai == "00":
            return network.get(identity.key)
        supplier = suppliers.get(identity.key) if identity.ai == "01" else None
        return None if supplier is None else supplier == organisation_id

    return owns


def _parts(wanted: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for first in range(0, len(wanted), _AT_ONCE):
        yield wanted[first : first + _AT_ONCE]
