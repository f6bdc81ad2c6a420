"""From a scanned code to the till's answer: read it, ask the books, judge, say it."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counters.queries.goods import Books, case_of, find, sold_before, whereabouts
from counters.rules import (
    Batch,
    Block,
    Found,
    Good,
    Kind,
    Reason,
    Verdict,
    Wanted,
    batch_verdict,
    days_left,
    inferred_batch,
    judge,
)
from counters.words import (
    NEXT,
    SAYINGS,
    Answer,
    Choice,
    named,
    priced,
    say,
    title_of,
    until,
)
from foundation import clock
from foundation.errors import BadInput
from parties.network.models import Outlet
from traceability.scan_codes import ScannedKind, read_code
from trade.sales.rules import Item


def answer_to(session: Session, outlet: Outlet, text: str, *, now: datetime) -> Answer:
    """Answer one scan at `outlet`. Any text gets an answer; nothing is written."""
    today = clock.business_date(now)
    if outlet.status != "open":
        return plain(Kind.STOP, Reason.OUTLET_CLOSED)
    try:
        scanned = read_code(text)
    except BadInput as refusal:
        answer = plain(Kind.ASK, Reason.UNREADABLE)
        return replace(answer, say=say(refusal), next="")
    if scanned.kind is ScannedKind.CASE:
        way = url_for("counters.receive", code=outlet.code, sscc=scanned.sscc)
        answer = plain(Kind.ASK, Reason.CASE_CODE, scanned.sscc or "")
        return replace(answer, choices=(Choice(_("Receive this case"), href=way),))
    if scanned.gtin is None:
        return plain(Kind.ASK, Reason.IN_STORE, scanned.in_store_code or "")
    wanted = Wanted(scanned.gtin, scanned.serial, scanned.lot)
    books = find(session, outlet.place_id, [wanted])
    return present(session, outlet, books, 0, today=today)


def answers_to_items(
    session: Session, outlet: Outlet, items: tuple[Item, ...], *, now: datetime
) -> list[Answer]:
    """Judge a whole basket again, in a constant number of statements for what may be sold."""
    today = clock.business_date(now)
    wanted = [Wanted(item.gtin, item.serial, item.lot_no) for item in items]
    books = find(session, outlet.place_id, wanted)
    return [present(session, outlet, books, n, today=today) for n in range(len(items))]


def plain(kind: Kind, reason: Reason, *about: str) -> Answer:
    """Give an answer that is about no known goods."""
    return Answer(
        answer=str(kind),
        reason=str(reason),
        title=title_of(kind, reason),
        say=str(SAYINGS[reason]),
        about=tuple(line for line in about if line),
        next=str(NEXT.get(reason, "")),
    )


def present(session: Session, outlet: Outlet, books: Books, n: int, *, today: date) -> Answer:
    """Say what the books' `n`th find means for the clerk."""
    found = books.found[n]
    if books.place_block is not None:
        return _with_note(plain(Kind.STOP, Reason.ON_HOLD), books.place_block)
    verdict = judge(found, place_id=outlet.place_id, today=today)
    good = found.good
    if good is None:
        return plain(*verdict, _code_text(found.wanted))
    answer = plain(*verdict, *_about(good, found))
    if verdict.kind is Kind.STOP:
        answer = _stopped(session, outlet, answer, found, verdict)
    elif verdict.kind in {Kind.GO, Kind.SLOW}:
        answer = _sellable(answer, found, good, verdict, today)
    elif verdict.reason is Reason.CHOOSE_LOT:
        answer = replace(answer, about=(_name(good),), choices=_lots(found, good, today))
    elif verdict.reason is Reason.NOT_IN_BOOKS:
        item = item_of(good, found.wanted, found.batch)
        answer = replace(answer, choices=(Choice(_("I hold it, add it"), item=item),))
    return answer


def _name(good: Good) -> str:
    return f"{named(good)} {named(good, 'spec')}"


def _code_text(wanted: Wanted) -> str:
    return " ".join(part for part in (wanted.gtin, wanted.lot_no, wanted.serial) if part)


def _about(good: Good, found: Found) -> tuple[str, ...]:
    parts = []
    if found.batch is not None:
        parts.append(_("lot %(lot)s", lot=found.batch.lot_no))
    if found.unit is not None:
        parts.append(_("No. %(serial)s", serial=found.unit.serial))
    return (_name(good), " ".join(parts))


def item_of(good: Good, wanted: Wanted, batch: Batch | None, certainty: str = "") -> dict[str, Any]:
    """Give what goes into the basket: the parts a sale sends, and what the list shows."""
    known = "scanned" if wanted.serial or wanted.lot_no else "inferred"
    return {
        "gtin": good.gtin,
        "serial": wanted.serial,
        "lot": None if batch is None else batch.lot_no,
        "quantity": 1,
        "price_fen": good.price_fen,
        "price_version": good.price_version,
        "certainty": certainty or known,
        "name": named(good),
        "spec": named(good, "spec"),
        "free": 1 if wanted.serial else (batch.free if batch else 0),
        "demo": good.demo,
    }


def _sellable(answer: Answer, found: Found, good: Good, verdict: Verdict, today: date) -> Answer:
    batch = found.batch or inferred_batch(found, today)
    best = batch.best_before if batch else None
    item = item_of(good, found.wanted, batch)
    if verdict.kind is Kind.GO:
        line = _("%(price)s, %(until)s", price=priced(good.price_fen), until=until(best))
        return replace(answer, about=(_name(good), line), item=item)
    left = days_left(best, today) if best else 0
    line = _("%(price)s, %(days)s days left", price=priced(good.price_fen), days=left)
    told = Choice(_("Told, add it"), item=item)
    return replace(answer, about=(_name(good), line), item=item, choices=(told,))


def _lots(found: Found, good: Good, today: date) -> tuple[Choice, ...]:
    """Offer every lot on hand, first to expire first; what may not be sold says why."""
    choices = []
    for batch in found.shelf:
        verdict = batch_verdict(batch, good, today)
        note = until(batch.best_before)
        item = None
        if verdict.kind is Kind.STOP:
            note = str(SAYINGS[verdict.reason])
        else:
            item = item_of(good, found.wanted, batch, "chosen")
            if verdict.kind is Kind.SLOW:
                note = _("%(until)s; tell the customer", until=note)
        choices.append(Choice(batch.lot_no, note, item))
    unsure = inferred_batch(found, today)
    if unsure is not None:
        item = item_of(good, found.wanted, unsure, "inferred")
        choices.append(Choice(_("It cannot be read"), _("the first to expire is taken"), item))
    return tuple(choices)


def _with_note(answer: Answer, block: Block) -> Answer:
    return replace(answer, about=(*answer.about, named(block, "note")))


def _stopped(
    session: Session, outlet: Outlet, answer: Answer, found: Found, verdict: Verdict
) -> Answer:
    block = _block_of(found)
    if verdict.reason in {Reason.RECALLED, Reason.ON_HOLD} and block is not None:
        return _with_note(answer, block)
    batch = found.batch or (found.shelf[0] if found.shelf else None)
    if verdict.reason is Reason.EXPIRED and batch is not None and batch.best_before:
        return replace(answer, about=(*answer.about, until(batch.best_before)))
    if found.unit is None:
        return answer
    if verdict.reason is Reason.ALREADY_SOLD:
        return _sold(session, outlet, answer, found.unit.serial_id)
    if verdict.reason is Reason.ELSEWHERE:
        return _elsewhere(session, outlet, answer, found)
    return answer


def _block_of(found: Found) -> Block | None:
    blocks = [found.unit.block if found.unit else None, found.batch.block if found.batch else None]
    blocks += [batch.block for batch in found.shelf]
    return next((block for block in blocks if block is not None), None)


def _sold(session: Session, outlet: Outlet, answer: Answer, serial_id: int) -> Answer:
    before = sold_before(session, serial_id)
    if before is None:
        return answer
    at = before.sold_at.astimezone(clock.LOCAL).strftime("%Y-%m-%d %H:%M")
    if before.channel == "online":
        line = _("sold online on %(at)s", at=at)
    elif before.place_id == outlet.place_id:
        line = _("sold at this counter on %(at)s", at=at)
    else:
        line = _("sold on %(at)s at %(outlet)s", at=at, outlet=named(before))
    return replace(answer, about=(*answer.about, line))


def _elsewhere(session: Session, outlet: Outlet, answer: Answer, found: Found) -> Answer:
    """Say where a pack lies that is not here, and open the way where there is one."""
    unit = found.unit
    if unit is None:
        return answer
    where = whereabouts(session, unit.place_id)
    if where is None:
        return answer
    if where.kind == "transit" and where.to_place_id == outlet.place_id:
        sscc = case_of(session, unit.serial_id)
        way = url_for("counters.receive", code=outlet.code, sscc=sscc)
        closed = plain(Kind.STOP, Reason.CASE_CLOSED, *answer.about)
        return replace(closed, choices=(Choice(_("Receive its case"), href=way),))
    if where.kind in {"outlet", "transit"}:
        return replace(answer, about=(*answer.about, _("it is at: %(place)s", place=named(where))))
    return plain(Kind.STOP, Reason.NOT_SENT, *answer.about)
