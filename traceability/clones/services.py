"""Verbs of scans: noting one, closing an alarm, making and checking codes under a coating."""

import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from foundation.db import add_rows
from foundation.errors import BadInput, NotFound
from foundation.locks import lock_key
from goods.catalogue.models import Product, Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from parties.network.models import Organisation, Place
from parties.people.audit import audit
from parties.people.permissions import Actor, Can, Scope
from traceability.clones.models import Scan, ScanAlarm, ScratchCode
from traceability.clones.rules import (
    ALPHABET,
    CODE_LENGTH,
    GUESSED,
    KEEP,
    LOOK_BACK,
    SAME_SCAN,
    Facts,
    Finding,
    device_hash,
    graver,
    judge,
    period_of,
    scratch_digest,
    typed_code,
)
from traceability.digital_link import CaseCode, Code, ItemCode

MOST_WORDS: Final = 300
MOST_CODES: Final = 5000


@dataclass(frozen=True, slots=True)
class Subject:
    """What a code stands for, as far as scans care."""

    kind: str
    gtin: str = ""
    serial: str = ""
    state: str = ""
    lot_id: int | None = None
    lot_no: str = ""
    organisation_id: int | None = None
    county_code: str | None = None
    home: str | None = None


def note_scan(
    session: Session,
    code: Code | None,
    *,
    cookie: str,
    secret: str,
    area: str | None,
    now: datetime,
) -> Scan | None:
    """Add one scan, and raise or renew an alarm when it does not fit; None of one that is noted.

    `code` is None when nothing could be read. Lots, trade items and cases that are on record are
    not noted: many packs share their code. The same device again within ten minutes is the same
    scan, unless it now says where it is.
    """
    subject = _subject(session, code)
    if subject is None:
        return None
    period = period_of(now)
    device = device_hash(secret, period, cookie, subject.gtin, subject.serial)
    if _just_now(session, subject, device, area, now):
        return None
    scan = Scan(
        at=now,
        kind=subject.kind,
        gtin=subject.gtin,
        serial=subject.serial,
        state=subject.state,
        device=device,
        period=period,
        area=area,
    )
    session.add(scan)
    session.flush()
    named = code.lot if isinstance(code, ItemCode) and subject.kind == "item" else None
    facts = Facts(
        subject.kind,
        subject.state,
        _devices(session, subject, period, now),
        area,
        subject.home,
        named if named and named != subject.lot_no else None,
    )
    for finding in judge(facts):
        raise_alarm(session, subject, finding, now=now)
    return scan


def _subject(session: Session, code: Code | None) -> Subject | None:
    match code:
        case None:
            return Subject("unreadable")
        case ItemCode(gtin=gtin, serial=str() as serial):
            return _item(session, gtin, serial) or _unknown(session, gtin, serial)
        case ItemCode(gtin=gtin, lot=lot):
            query = select(Sku.id).where(Sku.gtin == gtin)
            if lot is not None:
                query = query.join(Lot, Lot.sku_id == Sku.id).where(Lot.lot_no == lot)
            known = session.scalar(query)
            return _unknown(session, gtin, "") if known is None else None
        case CaseCode(sscc=sscc):
            packed = session.scalar(select(LogisticUnit.id).where(LogisticUnit.sscc == sscc))
            return Subject("foreign") if packed is None else None
        case _:
            return Subject("foreign")


def _item(session: Session, gtin: str, serial: str) -> Subject | None:
    row = session.execute(
        select(
            Serial.state,
            Serial.lot_id,
            Lot.lot_no,
            Lot.organisation_id,
            Product.county_code,
            Place.county_code,
        )
        .join(Sku, Sku.id == Serial.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(Lot, Lot.id == Serial.lot_id)
        .join(Place, Place.id == Serial.place_id)
        .where(Sku.gtin == gtin, Serial.serial == serial)
    ).first()
    return Subject("item", gtin, serial, *row) if row else None


def _unknown(session: Session, gtin: str, serial: str) -> Subject:
    row = session.execute(
        select(Product.supplier_id, Product.county_code)
        .join(Sku, Sku.product_id == Product.id)
        .where(Sku.gtin == gtin)
    ).first()
    if row is None:
        return Subject("foreign", gtin, serial)
    return Subject("unknown", gtin, serial, organisation_id=row[0], county_code=row[1])


def _just_now(
    session: Session, subject: Subject, device: str, area: str | None, now: datetime
) -> bool:
    query = select(Scan.id).where(
        Scan.gtin == subject.gtin,
        Scan.serial == subject.serial,
        Scan.at > now - SAME_SCAN,
        Scan.device == device,
    )
    if area is not None:
        query = query.where(Scan.area == area)
    return session.scalar(query.limit(1)) is not None


def _devices(session: Session, subject: Subject, period: int, now: datetime) -> int:
    """Count the devices that scanned it while it was in this state, under the key of today."""
    query = select(func.count(Scan.device.distinct())).where(
        Scan.gtin == subject.gtin, Scan.period == period
    )
    if subject.kind == "item":
        query = query.where(Scan.serial == subject.serial, Scan.state == subject.state)
    else:
        query = query.where(Scan.kind == subject.kind, Scan.at > now - LOOK_BACK)
    return session.scalar(query) or 0


def raise_alarm(session: Session, subject: Subject, finding: Finding, *, now: datetime) -> None:
    """Raise an alarm, or renew the open one of the same kind: its grade only rises."""
    if subject.organisation_id is None:
        return
    several = finding.kind == "never_made"
    serial = "" if several else subject.serial
    figures = finding.figures | ({"serial": subject.serial} if several else {})
    lock_key(session, f"scan-alarm:{subject.gtin}:{serial}")
    found = session.scalar(
        select(ScanAlarm)
        .where(
            ScanAlarm.gtin == subject.gtin,
            ScanAlarm.serial == serial,
            ScanAlarm.kind == finding.kind,
            ScanAlarm.closed_at.is_(None),
        )
        .with_for_update()
    )
    if found is not None:
        found.grade = graver(found.grade, finding.grade)
        found.times += 1
        found.figures = found.figures | figures
        found.last_at = now
    else:
        session.add(
            ScanAlarm(
                kind=finding.kind,
                grade=finding.grade,
                gtin=subject.gtin,
                serial=serial,
                lot_id=subject.lot_id,
                organisation_id=subject.organisation_id,
                county_code=subject.county_code,
                times=1,
                figures=figures,
                first_at=now,
                last_at=now,
                closed_at=None,
                closed_by=None,
                closed_note="",
            )
        )
    session.flush()


def close_alarm(
    session: Session, alarm_id: int, note: str, *, actor: Actor, now: datetime
) -> ScanAlarm:
    """Close an alarm with what was found out. Closing it again changes nothing.

    Officials of the county may close any; the supplier all but the gravest. Raises BadInput on
    `note` without words, NotFound, NotAllowed.
    """
    found = session.get(ScanAlarm, alarm_id, with_for_update=True)
    if found is None:
        raise NotFound("There is no such alarm")
    if not actor.can(Can.RECALL, Scope(county_code=found.county_code)):
        may = Can.RECORD_LOT if found.grade != "alarm" else Can.RECALL
        county = session.scalar(
            select(Organisation.county_code).where(Organisation.id == found.organisation_id)
        )
        actor.must(may, Scope(organisation_id=found.organisation_id, county_code=county))
    if found.closed_at is not None:
        return found
    words = note.strip()
    if not words:
        raise BadInput("Please say what was found out", field="note")
    found.closed_at, found.closed_by, found.closed_note = now, actor.id, words[:MOST_WORDS]
    audit(
        session,
        "close_scan_alarm",
        "scan_alarm",
        found.id,
        actor=actor,
        now=now,
        after={"kind": found.kind, "grade": found.grade, "times": found.times},
    )
    return found


def forget_scans(session: Session, *, now: datetime) -> int:
    """Remove scans that have been kept for a year; give how many. Alarms stay."""
    gone = session.execute(delete(Scan).where(Scan.at < now - KEEP))
    assert isinstance(gone, CursorResult)  # noqa: S101 -- what a DELETE gives
    return gone.rowcount


def scratch_codes(
    session: Session,
    lot: Lot,
    serials: Collection[str],
    *,
    secret: str,
    actor: Actor,
    now: datetime,
) -> dict[str, str]:
    """Make a new code for the coating of each of these items of a lot; give them by serial.

    Only a keyed hash is kept: this is the one moment at which the codes can be printed. Made
    again, the older code of an item stops to count. An item that was proven already gets none
    and is left out. Raises BadInput on `first` for numbers that are not of this lot or for more
    than 5,000, NotAllowed for another supplier's lot.
    """
    county = session.scalar(
        select(Organisation.county_code).where(Organisation.id == lot.organisation_id)
    )
    actor.must(Can.PRINT_LABELS, Scope(organisation_id=lot.organisation_id, county_code=county))
    if not 1 <= len(serials) <= MOST_CODES:
        raise BadInput(
            "Choose between 1 and %(most)s labels to print at a time.",
            field="first",
            most=MOST_CODES,
        )
    lock_key(session, f"scratch:{lot.id}")
    gtin = session.scalar(select(Sku.gtin).where(Sku.id == lot.sku_id)) or ""
    ids: dict[str, int] = dict(
        session.execute(
            select(Serial.serial, Serial.id).where(
                Serial.lot_id == lot.id, Serial.serial.in_(sorted(serials))
            )
        )
        .tuples()
        .all()
    )
    if len(ids) < len(set(serials)):
        raise BadInput("These are not numbers of this lot", field="first")
    proven = set(
        session.scalars(
            select(ScratchCode.serial_id).where(
                ScratchCode.serial_id.in_(ids.values()), ScratchCode.verified_at.is_not(None)
            )
        )
    )
    made = {
        serial: "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        for serial in sorted(ids)
        if ids[serial] not in proven
    }
    session.execute(
        delete(ScratchCode).where(ScratchCode.serial_id.in_([ids[serial] for serial in made]))
    )
    add_rows(
        session,
        ScratchCode,
        [
            {
                "serial_id": ids[serial],
                "gtin": gtin,
                "serial": serial,
                "digest": scratch_digest(secret, gtin, serial, code),
                "made_at": now,
                "verified_at": None,
                "wrong_tries": 0,
            }
            for serial, code in made.items()
        ],
    )
    audit(
        session,
        "make_scratch_codes",
        "lot",
        lot.id,
        actor=actor,
        now=now,
        after={"count": len(made)},
    )
    return made


@dataclass(frozen=True, slots=True)
class Proof:
    """What a scratch code showed: genuine (now, once), used (before), wrong, or none made."""

    result: str
    verified_at: datetime | None = None


def prove(
    session: Session, gtin: str, serial: str, typed: str, *, secret: str, now: datetime
) -> Proof:
    """Check the code under an item's coating; the right one proves the item once and no more.

    The right code a second time and many wrong ones raise an alarm.
    """
    row = session.scalar(
        select(ScratchCode)
        .where(ScratchCode.gtin == gtin, ScratchCode.serial == serial)
        .with_for_update()
    )
    if row is None:
        return Proof("none")
    subject = _item(session, gtin, serial) or Subject("item", gtin, serial)
    digest = scratch_digest(secret, gtin, serial, typed_code(typed))
    if not hmac.compare_digest(digest, row.digest):
        row.wrong_tries += 1
        if row.wrong_tries >= GUESSED:
            finding = Finding("scratch_guessed", "warn", {"tries": row.wrong_tries})
            raise_alarm(session, subject, finding, now=now)
        return Proof("wrong")
    done = session.execute(
        update(ScratchCode)
        .where(ScratchCode.serial_id == row.serial_id, ScratchCode.verified_at.is_(None))
        .values(verified_at=now)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(done, CursorResult)  # noqa: S101 -- what an UPDATE gives
    if done.rowcount:
        return Proof("genuine", now)
    session.refresh(row)
    raise_alarm(session, subject, Finding("scratched_again", "warn"), now=now)
    return Proof("used", row.verified_at)
