"""What needs attention, as sentences that lead to the rows behind them."""

from datetime import date, datetime
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext, ngettext
from sqlalchemy import Row
from sqlalchemy.orm import Session

from admin.figures import in_english, local, quantity_of
from admin.words import DISCREPANCIES, PAPERS, SCAN_ALARMS, word
from foundation import clock
from insight.alerts import queries as alerts
from insight.alerts.discrepancies import discrepancies
from insight.alerts.scan_alarms import pressing_alarms
from insight.reach import Reach
from parties.people.permissions import Actor, Can
from traceability.log.proofs import LATE, queue
from trade.orders.queries.troubles import refund_counts


class Item(NamedTuple):
    """One thing to be dealt with. `look` and `state` are its badge, `kind` groups it."""

    kind: str
    look: str
    state: str
    title: str
    text: str
    href: str | None


def attention(session: Session, actor: Actor, reach: Reach, *, now: datetime) -> list[Item]:
    """Give what needs attention, most pressing first; a fixed number of statements."""
    today = clock.business_date(now)
    items = _recalls(session, reach)
    items += _dated(session, actor, today, reach)
    items += _papers(session, today, reach)
    items += _unpapered(session, today, reach)
    items += _discrepancies(session, now, reach)
    items += _scan_alarms(session, reach)
    if actor.can(Can.OPERATE):
        items += _dead(session)
        items += _log(session, now)
    if actor.can(Can.REFUND):
        items += _refunds(session, actor)
    return items


def _recalls(session: Session, reach: Reach) -> list[Item]:
    return [
        Item(
            "recall",
            "recall",
            gettext("Recalled"),
            " ".join(filter(None, (local(recall), recall.lot_no, recall.serial, recall.paper))),
            gettext(
                "%(shelves)s still on the shelves of %(outlets)s outlets, %(sold)s were sold.",
                shelves=f"{recall.on_shelves:,}",
                outlets=recall.outlets,
                sold=f"{recall.sold:,}",
            ),
            url_for("admin.recall_page", recall_id=recall.id),
        )
        for recall in alerts.recalls(session, reach, standing=True)
    ]


def _dated(session: Session, actor: Actor, today: date, reach: Reach) -> list[Item]:
    items = []
    for lot in alerts.dated_lots(session, today, reach):
        where = gettext(
            "%(count)s left at %(outlets)s outlets.",
            count=f"{lot.on_hand:,}",
            outlets=lot.outlets,
        )
        when = (
            gettext("Past its date by %(days)s days.", days=-lot.days_left)
            if lot.expired
            else gettext("%(days)s days to its date.", days=lot.days_left)
        )
        see = actor.can(Can.SEE_LOT_JOURNEY) and reach.covers(lot.county_code)
        items.append(
            Item(
                "expired" if lot.expired else "near",
                "recall" if lot.expired else "expiry",
                gettext("Expired") if lot.expired else gettext("Near expiry"),
                f"{local(lot)} {lot.lot_no}",
                f"{when}{where}" if not in_english() else f"{when} {where}",
                url_for("admin.lot", lot_id=lot.lot_id) if see else None,
            )
        )
    return items


def _papers(session: Session, today: date, reach: Reach) -> list[Item]:
    return [
        Item(
            "paper",
            "recall" if paper.band == 0 else "expiry",
            gettext("Paper expired") if paper.band == 0 else gettext("Paper ends soon"),
            f"{local(paper, 'short')} {word(PAPERS, paper.kind)}",
            gettext(
                "%(number)s ended on %(day)s.", number=paper.number, day=paper.valid_to.isoformat()
            )
            if paper.band == 0
            else gettext(
                "%(number)s ends in %(days)s days, on %(day)s.",
                number=paper.number,
                days=paper.days_left,
                day=paper.valid_to.isoformat(),
            ),
            url_for("admin.supplier", code=paper.organisation_code),
        )
        for paper in alerts.papers_due(session, today, reach)
    ]


def _unpapered(session: Session, today: date, reach: Reach) -> list[Item]:
    separator = "、" if not in_english() else ", "
    return [
        Item(
            "unpapered",
            "unsure",
            gettext("No papers"),
            f"{local(product)} {local(product, 'short')}",
            gettext(
                "On sale without: %(papers)s.",
                papers=separator.join(_name(paper) for paper in product.missing),
            ),
            url_for("admin.products", q=product.code),
        )
        for product in alerts.unpapered(session, today, reach)
    ]


def _name(demand: object) -> str:
    assert isinstance(demand, dict)  # noqa: S101 -- JSON of a compliance class
    return str(demand["name_zh"] if not in_english() else demand.get("name_en", demand["name_zh"]))


def _discrepancies(session: Session, now: datetime, reach: Reach) -> list[Item]:
    return [
        Item(
            "discrepancy",
            "recall" if row.kind in {"more_out", "yield_over"} else "unsure",
            word(DISCREPANCIES, row.kind),
            local(row, "outlet") if row.code else local(row, "short"),
            _told(row),
            url_for("admin.discrepancies", lot=row.lot_no, _anchor=f"d{row.id}"),
        )
        for row in discrepancies(session, now, reach)
    ]


def _told(row: Row[Any]) -> str:
    product, lot, amount = local(row), row.lot_no, quantity_of(row.quantity, row.base_unit)
    sentence: str
    match row.kind:
        case "booked_late":
            sentence = gettext(
                "%(count)s of %(product)s %(lot)s were sold before they were received."
            )
        case "more_out":
            sentence = gettext(
                "%(excess)s more of %(product)s %(lot)s left than ever came into it."
            )
        case kind:
            sentence = (
                gettext("%(product)s %(lot)s: %(percent)s came out; at most %(most)s can.")
                if kind == "yield_over"
                else gettext("%(product)s %(lot)s: only %(percent)s of it came out.")
            )
    given = {**row.figures, "product": product, "lot": lot, "count": amount}
    for rate in ("percent", "least", "most"):
        given[rate] = f"{row.figures.get(rate, '')}%"
    if row.kind == "more_out":
        given["excess"] = quantity_of(row.figures["excess"], row.base_unit)
    return sentence % given


def _scan_alarms(session: Session, reach: Reach) -> list[Item]:
    return [
        Item(
            "scan",
            "recall" if row.grade == "alarm" else "unsure",
            gettext("Odd scans"),
            f"{local(row)} {row.serial or row.gtin}",
            ngettext(
                "%(kind)s, %(num)s scan.",
                "%(kind)s, %(num)s scans.",
                row.times,
                kind=word(SCAN_ALARMS, row.kind),
            ),
            url_for("admin.scan_alarms", code=row.serial or row.gtin, _anchor=f"s{row.id}"),
        )
        for row in pressing_alarms(session, reach)
    ]


def _dead(session: Session) -> list[Item]:
    count = alerts.dead_letter_count(session)
    if not count:
        return []
    return [
        Item(
            "dead",
            "unsure",
            gettext("Undelivered"),
            gettext("Messages of the program"),
            ngettext("%(num)s was given up.", "%(num)s were given up.", count),
            url_for("admin.dead_letters"),
        )
    ]


def _log(session: Session, now: datetime) -> list[Item]:
    waiting = queue(session)
    if waiting.oldest is None or now - waiting.oldest <= LATE:
        return []
    minutes = int((now - waiting.oldest).total_seconds() // 60)
    return [
        Item(
            "log",
            "recall",
            gettext("Log stands still"),
            gettext("Transparency log"),
            ngettext(
                "%(num)s event waits, the oldest for %(minutes)s minutes.",
                "%(num)s events wait, the oldest for %(minutes)s minutes.",
                waiting.depth,
                minutes=minutes,
            ),
            url_for("admin.log"),
        )
    ]


def _refunds(session: Session, actor: Actor) -> list[Item]:
    count = refund_counts(session, actor=actor)["failed"]
    if not count:
        return []
    return [
        Item(
            "refund",
            "unsure",
            gettext("Refund failed"),
            gettext("Money that did not get back to buyers"),
            ngettext("%(num)s refund waits.", "%(num)s refunds wait.", count),
            url_for("admin.refunds"),
        )
    ]
