"""Verbs of recalls: announcing, trying out, ending."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from foundation import clock
from foundation.db import add_rows
from foundation.errors import BadInput, Refused
from foundation.locks import lock_key
from foundation.outbox import publish
from goods.catalogue.models import Certificate
from goods.stock.models import Hold, Lot, Serial, StockBalance
from goods.stock.queries import lot_by_id
from goods.stock.services import lock_lots
from parties.network.models import Place
from parties.people.audit import audit
from parties.people.permissions import Actor, Can, Scope
from traceability.models import Recall
from traceability.recalls.messages import RecallAnnounced
from traceability.recalls.queries import (
    AROUND,
    Affected,
    Impact,
    affected_by,
    affected_of,
    days_between,
    impact_of,
    recall_by_id,
    spots_of,
)
from traceability.recalls.rules import (
    AlreadyRecalled,
    Announcement,
    NothingToRecall,
    RecallOver,
    StillOut,
    Target,
    check_announcement,
    due_on,
)
from traceability.rules import Happening, Part, SerialRef
from traceability.services.events import lot_refs, place_ref, record_event
from traceability.services.lots import supplier_scope

MOST_WORDS = 300
COLUMNS = {
    "lot": Recall.lot_id,
    "place": Recall.place_id,
    "supplier": Recall.organisation_id,
    "certificate": Recall.certificate_id,
    "item": Recall.serial_id,
}


def recall_lot(
    session: Session, *, lot_id: int, reason_zh: str, reason_en: str, actor: Actor, now: datetime
) -> Recall:
    """Call a lot back, and with it everything made from it: `announce` for the usual case."""
    lot_by_id(session, lot_id)
    asked = Announcement(Target("lot", lot_id), 2, reason_zh, reason_en)
    return announce(session, asked, actor=actor, now=now)


def announce(
    session: Session, announcement: Announcement, *, actor: Actor, now: datetime
) -> Recall:
    """Call goods back: from this transaction on nobody sells, ships or promises them.

    Raises BadInput with the field that is wrong, AlreadyRecalled, NothingToRecall, NotFound,
    NotAllowed outside one's county.
    """
    target = announcement.target
    scope, organisation_id = _whose(session, target)
    actor.must(Can.RECALL, scope)
    check_announcement(announcement)
    lock_key(session, f"recall:{target.scope}:{target.id}")
    standing = select(Recall.id).where(
        COLUMNS[target.scope] == target.id,
        Recall.closed_at.is_(None),
        Recall.since == target.since if target.since else Recall.since.is_(None),
        Recall.until == target.until if target.until else Recall.until.is_(None),
    )
    if session.scalar(standing) is not None:
        raise AlreadyRecalled("This is already recalled")
    affected = affected_by(session, target)
    if affected.nothing:
        raise NothingToRecall("There are no goods in this; nothing was recalled")
    # Whoever takes goods out holds their balance; whoever waits for it then sees the hold.
    lock_lots(session, affected.lot_ids or affected.seeds)
    event_id = _record(session, announcement, affected, organisation_id, actor=actor, now=now)
    _hold(session, announcement, affected, event_id, now=now)
    today = clock.business_date(now)
    recall = Recall(
        number=_number(session, now),
        scope=target.scope,
        since=target.since,
        until=target.until,
        level=announcement.level,
        due_on=due_on(announcement.level, today),
        reason_zh=announcement.reason_zh.strip(),
        reason_en=announcement.reason_en.strip() or announcement.reason_zh.strip(),
        opened_at=now,
        opened_by=actor.id,
        event_id=event_id,
        closed_at=None,
        closed_by=None,
        outcome="",
        end_reason="",
        **{COLUMNS[target.scope].key: target.id},
    )
    session.add(recall)
    session.flush()
    publish(session, RecallAnnounced(recall.id), now=now)
    audit(
        session,
        "recall_lot" if target.scope == "lot" else "announce_recall",
        target.scope,
        target.id,
        actor=actor,
        now=now,
        after={
            "recall": recall.number,
            "level": recall.level,
            "lots": list(affected.lot_ids),
        },
    )
    return recall


def must_recall(session: Session, target: Target, *, actor: Actor) -> None:
    """Raise NotAllowed for whoever may not recall this, NotFound when there is no such thing."""
    actor.must(Can.RECALL, _whose(session, target)[0])


def _whose(session: Session, target: Target) -> tuple[Scope, int]:
    """Give whose and where the goods are, for permissions, and in whose name it is recorded."""
    match target.scope:
        case "place":
            place = session.get(Place, target.id)
            if place is not None:
                return Scope(place.organisation_id, county_code=place.county_code), (
                    place.organisation_id
                )
        case "supplier":
            return supplier_scope(session, target.id), target.id
        case "certificate":
            paper = session.get(Certificate, target.id)
            if paper is not None:
                return supplier_scope(session, paper.organisation_id), paper.organisation_id
        case "item":
            owner = session.scalar(
                select(Lot.organisation_id)
                .join(Serial, Serial.lot_id == Lot.id)
                .where(Serial.id == target.id)
            )
            if owner is not None:
                return supplier_scope(session, owner), owner
        case "lot":
            lot = session.get(Lot, target.id)
            if lot is not None:
                return supplier_scope(session, lot.organisation_id), lot.organisation_id
        case _:
            raise BadInput("Please choose what is to be recalled", field="scope")
    affected_by(session, target)  # it is unknown; its refusal says so
    raise NothingToRecall("There are no goods in this; nothing was recalled")


def _number(session: Session, now: datetime) -> str:
    lock_key(session, "recall-number")
    year = f"ZH{clock.business_date(now):%Y}-"
    made = session.scalar(
        select(func.count()).select_from(Recall).where(Recall.number.startswith(year))
    )
    return f"{year}{(made or 0) + 1:03d}"


def _home(session: Session, organisation_id: int) -> int:
    home = session.scalar(
        select(Place.id)
        .where(Place.organisation_id == organisation_id, Place.kind != "transit")
        .order_by(Place.id)
        .limit(1)
    )
    if home is None:
        raise Refused("This supplier has no registered place")
    return home


def _items(session: Session, affected: Affected) -> list[tuple[int, int, str]]:
    """Give the items that are blocked one by one: (id, lot id, serial)."""
    query = select(Serial.id, Serial.lot_id, Serial.serial).order_by(Serial.id)
    if affected.serial_id is not None:
        query = query.where(Serial.id == affected.serial_id)
    elif affected.place_id is not None:
        from traceability.models import EventSerial, TraceEvent

        sold = (
            select(EventSerial.serial_id)
            .join(TraceEvent, TraceEvent.id == EventSerial.event_id)
            .where(
                TraceEvent.read_point_id == affected.place_id,
                TraceEvent.biz_step == "retail_selling",
                days_between(TraceEvent.event_time, affected.since, affected.until),
            )
        )
        here = Serial.place_id == affected.place_id
        query = query.where(here & (Serial.state.in_(AROUND) | Serial.id.in_(sold)))
    else:
        return []
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def _record(
    session: Session,
    announcement: Announcement,
    affected: Affected,
    organisation_id: int,
    *,
    actor: Actor,
    now: datetime,
) -> UUID:
    """Write the one event that says all of this is called back."""
    spots = spots_of(session, affected)
    held: dict[int, int] = {}
    for spot in spots:
        held[spot.lot_id] = held.get(spot.lot_id, 0) + spot.on_hand
    items = _items(session, affected)
    lots = affected.lot_ids or tuple(sorted({*held, *(lot_id for _, lot_id, _ in items)}))
    refs = lot_refs(session, lots)
    serials = tuple(SerialRef(row[0], refs[row[1]], row[2]) for row in items)
    whole = bool(affected.lot_ids)
    at = affected.place_id or _home(session, organisation_id)
    return record_event(
        session,
        Happening(
            event_type="ObjectEvent",
            action="OBSERVE",
            biz_step="holding",
            disposition="recalled",
            at=now,
            organisation_id=organisation_id,
            place=place_ref(session, at),
            parts=tuple(Part(refs[one], held.get(one, 0)) for one in lots),
            serials=serials,
            whole_lot=whole,
            facts={"reason": announcement.reason_zh.strip(), "recallLevel": announcement.level},
        ),
        actor=actor,
        now=now,
    )


def _hold(
    session: Session,
    announcement: Announcement,
    affected: Affected,
    event_id: UUID,
    *,
    now: datetime,
) -> None:
    row: dict[str, Any] = {
        "lot_id": None,
        "serial_id": None,
        "place_id": None,
        "reason": "recalled",
        "note_zh": announcement.reason_zh.strip()[:200],
        "note_en": (announcement.reason_en.strip() or announcement.reason_zh.strip())[:400],
        "event_id": event_id,
        "placed_at": now,
        "released_at": None,
    }
    rows = [row | {"lot_id": lot_id} for lot_id in affected.lot_ids]
    rows += [row | {"serial_id": item[0]} for item in _items(session, affected)]
    if affected.place_id is not None:
        rows.append(row | {"place_id": affected.place_id})
    add_rows(session, Hold, rows)


def drill(session: Session, target: Target, *, actor: Actor, now: datetime) -> Impact:
    """Work a recall out without announcing it. Nothing changes but the audit trail.

    Raises BadInput, NotFound, NotAllowed as `announce` does.
    """
    check_announcement(Announcement(target, 1, "drill"))
    must_recall(session, target, actor=actor)
    impact = impact_of(session, affected_by(session, target))
    audit(
        session,
        "drill_recall",
        target.scope,
        target.id,
        actor=actor,
        now=now,
        after={"lots": len(impact.lots), "places": len(impact.places)},
    )
    return impact


def end_recall(
    session: Session, recall_id: int, outcome: str, reason: str, *, actor: Actor, now: datetime
) -> Recall:
    """End a recall: `completed` when everything is accounted for, `lifted` when it was a mistake.

    Completed goods stay blocked for good; lifting takes the blocks away. Raises StillOut with how
    much is where, RecallOver, BadInput on `reason` or `outcome`, NotAllowed to all but the city.
    """
    recall = recall_by_id(session, recall_id)
    actor.must(Can.END_RECALL)
    session.refresh(recall, with_for_update=True)
    if recall.closed_at is not None:
        raise RecallOver("This recall has ended")
    if outcome not in {"completed", "lifted"}:
        raise BadInput("Please choose how the recall ends", field="outcome")
    if not reason.strip():
        raise BadInput("Please say why", field="reason")
    affected = affected_of(session, recall)
    lock_lots(session, affected.lot_ids or affected.seeds)
    if outcome == "completed":
        _refuse_open(spots_of(session, affected, recall.id))
    else:
        _lift(session, recall, affected, actor=actor, now=now)
    recall.closed_at, recall.closed_by = now, actor.id
    recall.outcome, recall.end_reason = outcome, reason.strip()[:MOST_WORDS]
    audit(
        session,
        "end_recall",
        "recall",
        recall.id,
        actor=actor,
        now=now,
        before={"recall": recall.number},
        after={"outcome": outcome},
    )
    session.flush()
    return recall


def _refuse_open(spots: Sequence[Any]) -> None:
    waiting = [spot for spot in spots if spot.open]
    if waiting:
        raise StillOut(
            "Goods of %(lots)s lots at %(places)s places are not set apart, sent back or destroyed",
            lots=len({spot.lot_id for spot in waiting}),
            places=len({spot.place_id for spot in waiting}),
        )


def _lift(
    session: Session, recall: Recall, affected: Affected, *, actor: Actor, now: datetime
) -> None:
    lots = affected.lot_ids or affected.seeds
    refs = lot_refs(session, lots)
    held = dict(
        session.execute(
            select(StockBalance.lot_id, func.sum(StockBalance.on_hand))
            .where(StockBalance.lot_id.in_(lots))
            .group_by(StockBalance.lot_id)
        )
        .tuples()
        .all()
    )
    owner = session.scalar(select(Lot.organisation_id).where(Lot.id == lots[0])) if lots else None
    if owner is not None:
        items = _items(session, affected)
        record_event(
            session,
            Happening(
                event_type="ObjectEvent",
                action="OBSERVE",
                biz_step="inspecting",
                disposition="active",
                at=now,
                organisation_id=owner,
                place=place_ref(session, affected.place_id or _home(session, owner)),
                parts=tuple(Part(refs[one], int(held.get(one, 0))) for one in lots),
                serials=tuple(
                    SerialRef(row[0], refs[row[1]], row[2]) for row in items if row[1] in refs
                ),
                whole_lot=bool(affected.lot_ids),
                facts={"recallLifted": recall.number},
            ),
            actor=actor,
            now=now,
        )
    session.execute(
        update(Hold)
        .where(Hold.event_id == recall.event_id, Hold.released_at.is_(None))
        .values(released_at=now)
    )
