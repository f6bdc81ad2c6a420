"""Recalls: calling a lot back, and with it everything made from it."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import BadInput, Refused
from foundation.locks import lock_key
from goods.stock.models import Hold, Lot, StockBalance
from goods.stock.queries import lot_by_id
from parties.network.models import Place
from parties.people.audit import audit
from parties.people.permissions import Actor, Can
from traceability.models import Recall
from traceability.queries import descendants
from traceability.rules import Happening, Part
from traceability.services.events import lot_refs, place_ref, record_event
from traceability.services.lots import supplier_scope


class AlreadyRecalled(Refused):
    """The lot is being recalled."""

    code = "already_recalled"


def recall_lot(
    session: Session, *, lot_id: int, reason_zh: str, reason_en: str, actor: Actor, now: datetime
) -> Recall:
    """Call a lot back: nobody may sell, ship or promise it, or anything made from it, from now on.

    Raises BadInput without a reason, AlreadyRecalled, NotAllowed outside one's county.
    """
    lot = lot_by_id(session, lot_id)
    actor.must(Can.RECALL, supplier_scope(session, lot.organisation_id))
    if not reason_zh.strip():
        raise BadInput("Please say why", field="reason_zh")
    lock_key(session, f"recall:{lot_id}")
    open_recall = select(Recall.id).where(Recall.lot_id == lot_id, Recall.closed_at.is_(None))
    if session.scalar(open_recall) is not None:
        raise AlreadyRecalled("This lot is already recalled")
    lots = descendants(session, lot_id)
    refs = lot_refs(session, lots)
    made = {
        row[0]: int(row[1])
        for row in session.execute(
            select(StockBalance.lot_id, func.sum(StockBalance.on_hand))
            .where(StockBalance.lot_id.in_(lots))
            .group_by(StockBalance.lot_id)
        )
    }
    home = session.scalar(
        select(Place.id)
        .where(Place.organisation_id == lot.organisation_id, Place.kind != "transit")
        .order_by(Place.id)
        .limit(1)
    )
    if home is None:
        raise Refused("This supplier has no registered place")
    event_id = record_event(
        session,
        Happening(
            event_type="ObjectEvent",
            action="OBSERVE",
            biz_step="holding",
            disposition="recalled",
            at=now,
            organisation_id=lot.organisation_id,
            place=place_ref(session, home),
            parts=tuple(Part(refs[one], made.get(one, 0)) for one in lots),
            whole_lot=True,
            facts={"reason": reason_zh},
        ),
        actor=actor,
        now=now,
    )
    for one in lots:
        session.add(
            Hold(
                lot_id=one,
                reason="recalled",
                note_zh=reason_zh[:200],
                note_en=reason_en[:400],
                event_id=event_id,
                placed_at=now,
            )
        )
    number = (session.scalar(select(func.count()).select_from(Recall)) or 0) + 1
    recall = Recall(
        number=f"ZH{clock.business_date(now):%Y}-{number:03d}",
        lot_id=lot_id,
        reason_zh=reason_zh,
        reason_en=reason_en or reason_zh,
        opened_at=now,
        opened_by=actor.id,
        event_id=event_id,
    )
    session.add(recall)
    session.flush()
    audit(
        session,
        "recall_lot",
        "lot",
        lot.id,
        actor=actor,
        now=now,
        after={"recall": recall.number, "lots": lots},
    )
    return recall


def lots_under_recall(session: Session) -> list[Lot]:
    """Give every lot that is blocked by a recall now."""
    return list(
        session.scalars(
            select(Lot)
            .join(Hold, Hold.lot_id == Lot.id)
            .where(Hold.released_at.is_(None), Hold.reason == "recalled")
            .order_by(Lot.id)
        )
    )
