"""Printing labels: which numbers are printed, by whom, which again and why, which are withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotFound, Refused
from foundation.outbox import publish
from goods.catalogue.models import Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from parties.people.audit import audit
from parties.people.permissions import Actor, Can
from traceability.labels.layouts import CASE_LAYOUTS, LAYOUTS
from traceability.models import LabelPrint
from traceability.printing.messages import LabelsWanted
from traceability.printing.models import LabelJob, LabelVoid
from traceability.printing.queries import printed_up_to, serials_between, units_between
from traceability.queries import template_of
from traceability.rules import Happening, LotRef, Part, PlaceRef, SerialRef
from traceability.services.events import lot_refs, place_ref, record_event
from traceability.services.lots import commission_serials, supplier_scope

MOST_LABELS = 20_000
"""Of one printing: more than a roll holds, and a file that a desk's computer still opens."""
MOST_CASES = 200
AT_ONCE = 600
"""Labels that are drawn while one waits; more are made by the worker."""
REASONS = ("spoilt", "lost", "misprinted")
VOID_REASONS = ("spoilt", "misprinted", "unused", "lost")
KINDS = ("item", "lot", "case")


class PrintRefused(Refused):
    """These labels can't be printed now."""

    code = "print_refused"


class VoidRefused(Refused):
    """These numbers can't be withdrawn now."""

    code = "void_refused"


@dataclass(frozen=True, slots=True)
class Printing:
    """What is to be printed of a lot.

    `first` and `last` with a `reason` are a range that is printed again; without a reason the
    next `count` labels that were never printed are meant, or those up to `last`. `kind` is item,
    case or lot; left out, it is what the goods have: items with numbers, else the lot.
    """

    lot_id: int
    layout: str
    count: int = 0
    first: str = ""
    last: str = ""
    reason: str = ""
    kind: str = ""

    @property
    def again(self) -> bool:
        """Tell whether printed labels are printed once more."""
        return bool(self.reason or self.first)


@dataclass(frozen=True, slots=True)
class Voiding:
    """Numbers of a lot whose labels never went onto packs.

    `renumber` gives the packs new numbers, which then wait to be printed.
    """

    key: str
    """Made by the form; sending it twice withdraws once."""
    lot_id: int
    first: str
    last: str
    reason: str
    renumber: bool = True


def print_labels(session: Session, wanted: Printing, *, actor: Actor, now: datetime) -> LabelPrint:
    """Record that labels of a lot are printed; give the printed range.

    Ranges of numbers follow each other without gap or repetition, whoever prints at the same
    time: the lot's row is the turn. More than 600 labels are made in the background.
    Raises BadInput on `layout`, `kind`, `count`, `first` or `reason`, PrintRefused when so many
    are not waiting to be printed, NotFound, NotAllowed for another supplier's lot.
    """
    lot = _locked(session, wanted.lot_id, Can.PRINT_LABELS, actor)
    kind = _kind(session, lot, wanted.kind)
    layouts = CASE_LAYOUTS if kind == "case" else LAYOUTS
    if wanted.layout not in layouts:
        raise BadInput("Please choose one of the list", field="layout")
    most = MOST_CASES if kind == "case" else MOST_LABELS
    if kind == "lot":
        first, last, count = "", "", _within(wanted.count, most)
    elif wanted.again:
        first, last, count = _printed_range(session, lot, kind, wanted, most)
    else:
        first, last, count = _next_range(session, lot, kind, wanted, most)
    again = wanted.again and kind != "lot"
    printed = LabelPrint(
        lot_id=lot.id,
        kind=kind,
        first_serial=first,
        last_serial=last,
        count=count,
        layout=wanted.layout,
        again=again,
        reason=wanted.reason if again else "",
        printed_at=now,
        actor_id=actor.id,
    )
    session.add(printed)
    session.flush()
    if count > AT_ONCE:
        session.add(LabelJob(print_id=printed.id, state="waiting", total=count, asked_at=now))
        publish(session, LabelsWanted(printed.id), now=now)
        session.flush()
    audit(
        session,
        "print_labels_again" if again else "print_labels",
        "lot",
        lot.id,
        actor=actor,
        now=now,
        after={"kind": kind, "first": first, "last": last, "count": count}
        | ({"reason": wanted.reason} if again else {}),
    )
    return printed


def _locked(session: Session, lot_id: int, permission: Can, actor: Actor) -> Lot:
    lot = session.get(Lot, lot_id, with_for_update=True)
    if lot is None:
        raise NotFound("There is no such lot")
    actor.must(permission, supplier_scope(session, lot.organisation_id))
    return lot


def _kind(session: Session, lot: Lot, asked: str) -> str:
    serial = session.scalar(select(Sku.tracking).where(Sku.id == lot.sku_id)) == "serial"
    kind = asked or ("item" if serial else "lot")
    if kind not in KINDS or (kind == "item" and not serial):
        raise BadInput("Please choose one of the list", field="kind")
    return kind


def _within(count: int, most: int) -> int:
    if not 1 <= count <= most:
        raise BadInput(
            "Choose between 1 and %(most)s labels to print at a time.", field="count", most=most
        )
    return count


def _numbers(
    session: Session, lot: Lot, kind: str, first: str, last: str, most: int
) -> Sequence[str]:
    between = units_between if kind == "case" else serials_between
    return between(session, lot.id, first, last, most)


def _next_range(
    session: Session, lot: Lot, kind: str, wanted: Printing, most: int
) -> tuple[str, str, int]:
    until = wanted.last.strip().upper()
    count = most if until else _within(wanted.count, most)
    done = printed_up_to(session, lot.id, kind)
    column, lots = (
        (LogisticUnit.sscc, LogisticUnit.lot_id)
        if kind == "case"
        else (Serial.serial, Serial.lot_id)
    )
    query = select(column).where(lots == lot.id, column > done).order_by(column)
    if kind == "item":
        query = query.where(Serial.withdrawn.is_(False))
    if until:
        query = query.where(column <= until)
    waiting = session.scalars(query.limit(count + 1)).all()
    if until:
        if not waiting or waiting[-1] != until:
            raise BadInput("This is not a number that waits to be printed", field="last")
        _within(len(waiting), most)
        count = len(waiting)
    elif len(waiting) < count:
        raise PrintRefused(
            "Only %(left)s labels of this lot are not printed yet", field="count", left=len(waiting)
        )
    return waiting[0], waiting[count - 1], count


def _printed_range(
    session: Session, lot: Lot, kind: str, wanted: Printing, most: int
) -> tuple[str, str, int]:
    if wanted.reason not in REASONS:
        raise BadInput("Please say why", field="reason")
    first, last = _ends(wanted.first, wanted.last)
    found = _numbers(session, lot, kind, first, last, most)
    if len(found) > most:
        raise BadInput(
            "Choose between 1 and %(most)s labels to print at a time.", field="last", most=most
        )
    if not found or found[0] != first or found[-1] != last:
        raise BadInput("These are not numbers of this lot", field="first")
    if last > printed_up_to(session, lot.id, kind):
        raise PrintRefused("These labels were never printed; print them first", field="first")
    return first, last, len(found)


def _ends(first: str, last: str) -> tuple[str, str]:
    return first.strip().upper(), (last or first).strip().upper()


def void_serials(session: Session, asked: Voiding, *, actor: Actor, now: datetime) -> LabelVoid:
    """Withdraw numbers whose labels never went onto packs, by a decommissioning event.

    The numbers are gone for good: tills refuse them and their scan pages say so. The packs stay;
    with `renumber` they get new numbers by a commissioning event. Raises BadInput on `first`,
    `last` or `reason`, VoidRefused for numbers that are packed, sent, sold or withdrawn already,
    NotFound, NotAllowed for another supplier's lot.
    """
    lot = _locked(session, asked.lot_id, Can.RECORD_LOT, actor)
    if asked.reason not in VOID_REASONS:
        raise BadInput("Please say why", field="reason")
    first, last = _ends(asked.first, asked.last)
    rows = session.execute(
        select(Serial.id, Serial.serial, Serial.place_id, Serial.state, Serial.unit_id)
        .where(Serial.lot_id == lot.id, Serial.serial.between(first, last))
        .order_by(Serial.serial)
        .limit(MOST_LABELS + 1)
        .with_for_update()
    ).all()
    if not rows or rows[0].serial != first or rows[-1].serial != last:
        raise BadInput("These are not numbers of this lot", field="first")
    bound = [row for row in rows if row.state != "commissioned" or row.unit_id is not None]
    if bound:
        raise VoidRefused(
            "%(count)s of these numbers are on packs in a case, on their way or gone, the first is"
            " %(serial)s. Only numbers of loose packs can be withdrawn.",
            field="first",
            count=len(bound),
            serial=bound[0].serial,
        )
    ref = lot_refs(session, [lot.id])[lot.id]
    events: list[UUID] = []
    for place_id, group in groupby(
        sorted(rows, key=lambda row: row.place_id), lambda row: row.place_id
    ):
        serials = tuple(SerialRef(row.id, ref, row.serial) for row in group)
        place = place_ref(session, place_id)
        events.append(_withdraw(session, lot, place, serials, asked, actor=actor, now=now))
        if asked.renumber:
            _renumber(session, lot, ref, place, len(serials), asked, actor=actor, now=now)
    void = LabelVoid(
        lot_id=lot.id,
        first_serial=first,
        last_serial=last,
        count=len(rows),
        reason=asked.reason,
        renumbered=len(rows) if asked.renumber else 0,
        event_id=events[0],
        voided_at=now,
        actor_id=actor.id,
    )
    session.add(void)
    session.flush()
    audit(
        session,
        "void_serials",
        "lot",
        lot.id,
        actor=actor,
        now=now,
        after={"first": first, "last": last, "count": len(rows), "reason": asked.reason},
    )
    return void


def _withdraw(
    session: Session,
    lot: Lot,
    place: PlaceRef,
    serials: tuple[SerialRef, ...],
    asked: Voiding,
    *,
    actor: Actor,
    now: datetime,
) -> UUID:
    """Record that these numbers name nothing any more (CBV 2.0: decommissioning, inactive)."""
    session.execute(
        update(Serial)
        .where(Serial.id.in_([serial.id for serial in serials]))
        .values(state="destroyed", withdrawn=True)
    )
    return record_event(
        session,
        Happening(
            event_type="ObjectEvent",
            action="DELETE",
            biz_step="decommissioning",
            disposition="inactive",
            at=now,
            organisation_id=lot.organisation_id,
            place=place,
            parts=(Part(serials[0].lot, len(serials)),),
            serials=serials,
            transaction=("inv", f"urn:shanhuo:void:{asked.key}"),
            facts={"labelVoid": asked.reason},
            key=f"void:{asked.key}:{place.id}",
        ),
        actor=actor,
        now=now,
    )


def _renumber(
    session: Session,
    lot: Lot,
    ref: LotRef,
    place: PlaceRef,
    count: int,
    asked: Voiding,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    template = template_of(session, lot.template, lot.template_version)
    steps = (step for step in template.steps if step["biz_step"] == "commissioning")
    step = next(steps, None)
    serials = commission_serials(session, lot, ref, place, count)
    record_event(
        session,
        Happening(
            event_type="ObjectEvent",
            action="ADD",
            biz_step="commissioning",
            disposition=step["disposition"] if step else "active",
            at=now,
            organisation_id=lot.organisation_id,
            place=place,
            parts=(Part(ref, count),),
            serials=tuple(serials),
            template_step=step["step"] if step else None,
            ilmd={"lotNumber": lot.lot_no},
            facts={"serial_from": serials[0].serial, "serial_to": serials[-1].serial},
            key=f"renumber:{asked.key}:{place.id}",
        ),
        actor=actor,
        now=now,
    )


def stop_job(session: Session, print_id: int, *, actor: Actor, now: datetime) -> LabelJob:
    """Stop the making of a file; its numbers stay allotted to this printing.

    Raises NotFound, NotAllowed, PrintRefused when there is nothing left to stop.
    """
    job, printed = _job(session, print_id, actor)
    if job.state not in {"waiting", "making"}:
        raise PrintRefused("This file is not being made any more")
    job.state, job.finished_at = "cancelled", now
    audit(
        session,
        "stop_labels",
        "lot",
        printed.lot_id,
        actor=actor,
        now=now,
        after={"id": job.print_id},
    )
    return job


def go_on_job(session: Session, print_id: int, *, actor: Actor, now: datetime) -> LabelJob:
    """Make a file after all that was stopped or failed, or is not kept any more.

    A stopped one is gone on with where it ended.

    Raises NotFound, NotAllowed, PrintRefused while it is being made.
    """
    job, printed = _job(session, print_id, actor)
    if job.state in {"waiting", "making"}:
        raise PrintRefused("This file is being made already")
    job.made = job.made if job.state == "cancelled" else 0
    job.state, job.finished_at, job.asked_at = "waiting", None, now
    job.attempts, job.leased_until = 0, None
    job.fault, job.fault_params = "", {}
    publish(session, LabelsWanted(print_id), now=now)
    audit(
        session,
        "make_labels",
        "lot",
        printed.lot_id,
        actor=actor,
        now=now,
        after={"id": job.print_id},
    )
    return job


def _job(session: Session, print_id: int, actor: Actor) -> tuple[LabelJob, LabelPrint]:
    job = session.get(LabelJob, print_id, with_for_update=True)
    printed = session.get(LabelPrint, print_id)
    if job is None or printed is None:
        raise NotFound("These labels are not on record")
    owner = session.get_one(Lot, printed.lot_id).organisation_id
    actor.must(Can.PRINT_LABELS, supplier_scope(session, owner))
    return job, printed
