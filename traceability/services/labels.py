"""Printing labels: which numbers are printed, by whom, and which are printed again and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotFound, Refused
from goods.catalogue.models import Sku
from goods.stock.models import Lot, Serial
from parties.people.audit import audit
from parties.people.permissions import Actor, Can
from traceability.labels.sheet import LAYOUTS
from traceability.models import LabelPrint
from traceability.services.lots import supplier_scope

MOST_LABELS = 5000
"""Of one printing: what a printer does in an hour, and a file that a phone can open."""
REASONS = ("spoilt", "lost", "misprinted")


class PrintRefused(Refused):
    """These labels can't be printed now."""

    code = "print_refused"


@dataclass(frozen=True, slots=True)
class Printing:
    """What is to be printed of a lot.

    `first` and `last` are serials of a range that is printed again, with a `reason`; without
    them the next `count` labels that were never printed are meant.
    """

    lot_id: int
    layout: str
    count: int = 0
    first: str = ""
    last: str = ""
    reason: str = ""


def print_labels(session: Session, wanted: Printing, *, actor: Actor, now: datetime) -> LabelPrint:
    """Record that labels of a lot are printed; give the printed range.

    Goods without serials have labels with the lot's number, any number of them. Raises BadInput
    on `layout`, `count`, `first` or `reason`, PrintRefused when so many are not waiting to be
    printed, NotFound, NotAllowed for another supplier's lot.
    """
    lot = session.get(Lot, wanted.lot_id, with_for_update=True)
    if lot is None:
        raise NotFound("There is no such lot")
    actor.must(Can.PRINT_LABELS, supplier_scope(session, lot.organisation_id))
    if wanted.layout not in LAYOUTS:
        raise BadInput("Please choose one of the list", field="layout")
    serial = session.scalar(select(Sku.tracking).where(Sku.id == lot.sku_id)) == "serial"
    again = bool(wanted.first or wanted.last)
    if again:
        first, last, count = _printed_range(session, lot, wanted)
    elif not 1 <= wanted.count <= MOST_LABELS:
        raise BadInput(
            "Choose between 1 and %(most)s labels to print at a time.",
            field="count",
            most=MOST_LABELS,
        )
    elif serial:
        first, last, count = _next_range(session, lot, wanted.count)
    else:
        first, last, count = "", "", wanted.count
    printed = LabelPrint(
        lot_id=lot.id,
        first_serial=first,
        last_serial=last,
        count=count,
        layout=wanted.layout,
        printed_at=now,
        actor_id=actor.id,
    )
    session.add(printed)
    session.flush()
    audit(
        session,
        "print_labels_again" if again else "print_labels",
        "lot",
        lot.id,
        actor=actor,
        now=now,
        after={"first": first, "last": last, "count": count}
        | ({"reason": wanted.reason} if again else {}),
    )
    return printed


def printed_up_to(session: Session, lot_id: int) -> str:
    """Give the highest serial of a lot that was ever printed; "" when none was."""
    return (
        session.scalar(select(func.max(LabelPrint.last_serial)).where(LabelPrint.lot_id == lot_id))
        or ""
    )


def _next_range(session: Session, lot: Lot, count: int) -> tuple[str, str, int]:
    waiting = list(
        session.scalars(
            select(Serial.serial)
            .where(Serial.lot_id == lot.id, Serial.serial > printed_up_to(session, lot.id))
            .order_by(Serial.serial)
            .limit(count)
        )
    )
    if len(waiting) < count:
        raise PrintRefused(
            "Only %(left)s labels of this lot are not printed yet", field="count", left=len(waiting)
        )
    return waiting[0], waiting[-1], count


def _printed_range(session: Session, lot: Lot, wanted: Printing) -> tuple[str, str, int]:
    if wanted.reason not in REASONS:
        raise BadInput("Please say why", field="reason")
    first, last = wanted.first.strip().upper(), (wanted.last or wanted.first).strip().upper()
    found = serials_between(session, lot.id, first, last)
    if not found or found[0] != first or found[-1] != last:
        raise BadInput("These are not numbers of this lot", field="first")
    if last > printed_up_to(session, lot.id):
        raise PrintRefused("These labels were never printed; print them first", field="first")
    if len(found) > MOST_LABELS:
        raise BadInput(
            "Choose between 1 and %(most)s labels to print at a time.",
            field="last",
            most=MOST_LABELS,
        )
    return first, last, len(found)


def serials_between(session: Session, lot_id: int, first: str, last: str) -> Sequence[str]:
    """Give the serials of a lot from `first` to `last`, in order."""
    return session.scalars(
        select(Serial.serial)
        .where(Serial.lot_id == lot_id, Serial.serial.between(first, last))
        .order_by(Serial.serial)
        .limit(MOST_LABELS + 1)
    ).all()
