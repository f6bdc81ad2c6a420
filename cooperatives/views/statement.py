"""The statement: what the desk's goods earned, line by line."""

from datetime import date

from flask.typing import ResponseReturnValue
from flask_babel import gettext

from cooperatives import door
from cooperatives.door import blueprint, own, show
from foundation import clock
from foundation.errors import BadInput, NotFound
from foundation.web import asked_page, reading
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from trade.settlement.queries import payable, statement_lines, statement_of

CSV_PAGE = 500


def _asked_day(name: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(door.asked(name, 10))
    except ValueError:
        return otherwise


def _period() -> tuple[date, date]:
    """Give the days that are asked for, this month's when none are."""
    today = clock.business_date(clock.now())
    return _asked_day("since", today.replace(day=1)), _asked_day("until", today)


def _supplier() -> int:
    mine = sorted(own(Can.SEE_STATEMENT))
    asked = door.asked("supplier", 18)
    if asked.isdecimal() and int(asked) not in mine:
        raise NotFound("There is no such organisation")
    if not mine:
        raise NotFound("There is no such organisation")
    return int(asked) if asked.isdecimal() else mine[0]


@blueprint.get("/statement")
@requires(Can.SEE_STATEMENT)
def statement() -> ResponseReturnValue:
    """Show the sums of a period and the sales and refunds behind them."""
    supplier, actor = _supplier(), current_actor()
    since, until = _period()
    with reading() as session:
        wrong, found, page = None, None, None
        try:
            found = statement_of(session, supplier, since=since, until=until, actor=actor)
            page = statement_lines(
                session, supplier, since=since, until=until, page=asked_page(), actor=actor
            )
        except BadInput as refusal:
            wrong = door.say(refusal)
        body = show(
            session,
            "statement.html",
            section="me",
            found=found,
            page=page,
            wrong=wrong,
            since=since,
            until=until,
            owed=payable(session, supplier, actor=actor),
        )
        return body, 400 if wrong else 200


@blueprint.get("/statement.csv")
@requires(Can.SEE_STATEMENT)
def statement_csv() -> ResponseReturnValue:
    """Give the lines of a period as a file."""
    supplier, actor = _supplier(), current_actor()
    since, until = _period()
    rows: list[tuple[object, ...]] = []
    with reading() as session:
        number = 1
        while len(rows) < door.MOST_ROWS:
            page = statement_lines(
                session,
                supplier,
                since=since,
                until=until,
                page=number,
                size=CSV_PAGE,
                actor=actor,
            )
            rows += [
                (
                    line.business_date,
                    cause_words()[line.cause_type],
                    line.sale_number or "",
                    line.order_number or "",
                    (line.outlet_zh if door.language() == "zh" else line.outlet_en) or "",
                    *(
                        f"{fen / 100:.2f}"
                        for fen in (
                            line.goods_fen,
                            line.commission_fen,
                            line.shipping_fen,
                            line.net_fen,
                        )
                    ),
                )
                for line in page.items
            ]
            if not page.has_next:
                break
            number += 1
    header = [
        gettext("Day"),
        gettext("What"),
        gettext("Receipt number"),
        gettext("Order number"),
        gettext("Outlet"),
        gettext("Goods (yuan)"),
        gettext("Commission (yuan)"),
        gettext("Freight (yuan)"),
        gettext("Sum (yuan)"),
    ]
    return door.csv_answer(f"statement-{since}-{until}", header, rows)


def cause_words() -> dict[str, str]:
    """Name what a line of the statement comes from."""
    return {
        "sale": gettext("Sale"),
        "refund": gettext("Refund"),
        "payment": gettext("Payment"),
        "payout": gettext("Payout"),
    }
