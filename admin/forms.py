"""What comes into the office from outside, read into trusted values."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.fields import DateField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from admin.words import (
    CHANNELS,
    LEVELS,
    LOT_STATES,
    MODES,
    OUTCOMES,
    PERIODS,
    PRODUCT_STATUSES,
    STATUSES,
    TIERS,
)
from foundation.errors import NotFound
from insight.rollups.rules import Slice

MOST_DAYS = 366 * 5
MOST_TEXT = 60
Args = Mapping[str, str]


class Period(NamedTuple):
    """A period and the name it was chosen by; `custom` when by two days."""

    name: str
    first: date
    last: date


def read_day(text: str | None) -> date | None:
    """Read an ISO day; anything else is no day."""
    try:
        return date.fromisoformat(text) if text and len(text) == 10 else None  # noqa: PLR2004 -- YYYY-MM-DD
    except ValueError:
        return None


def named_period(name: str, today: date) -> Period:
    """Give the days of a named period, to today at the latest."""
    month = today.replace(day=1)
    match name:
        case "last-month":
            end = month - timedelta(days=1)
            return Period(name, end.replace(day=1), end)
        case "30d":
            return Period(name, today - timedelta(days=29), today)
        case "year":
            return Period(name, today.replace(month=1, day=1), today)
        case "12m":
            back = (month - timedelta(days=330)).replace(day=1)
            return Period(name, back, today)
        case _:
            return Period("month", month, today)


def read_period(args: Args, today: date) -> Period:
    """Read `from` and `to`, or else `period`; what makes no sense falls back to this month."""
    first, last = read_day(args.get("from")), read_day(args.get("to"))
    if first is None and last is None:
        name = args.get("period", "month")
        return named_period(name if name in PERIODS else "month", today)
    last = last or max(today, first or today)
    first = first or last.replace(day=1)
    first, last = min(first, last), max(first, last)
    first = max(first, last - timedelta(days=MOST_DAYS))
    for name in PERIODS:
        known = named_period(name, today)
        if (known.first, known.last) == (first, last):
            return known
    return Period("custom", first, last)


def text_of(args: Args, name: str) -> str | None:
    """Read a short text without control characters; empty is none."""
    printable = "".join(c for c in args.get(name, "") if c.isprintable())
    return printable.strip()[:MOST_TEXT] or None


def choice_of(args: Args, name: str, among: Mapping[str, Any]) -> str | None:
    """Read one of a few codes; anything else is none."""
    found = args.get(name)
    return found if found in among else None


def number_of(args: Args, name: str) -> int | None:
    """Read a positive id; anything else is none."""
    found = args.get(name, "")
    return int(found) if found.isascii() and found.isdecimal() and len(found) < 16 else None  # noqa: PLR2004 -- fits 64 bits


@dataclass(frozen=True, slots=True)
class SalesFilter:
    """Which sale lines are asked for."""

    slice: Slice
    period: str = "custom"
    lot_id: int | None = None
    number: str | None = None
    """A piece of the sale's number."""
    flagged: bool = False
    """Only lines whose price differs from the list."""

    def args(self, **changes: Any) -> dict[str, Any]:
        """Give this filter as query arguments, some changed; those without value are left out."""
        cut = self.slice
        found = {
            "from": cut.first.isoformat(),
            "to": cut.last.isoformat(),
            "county": cut.origin_county,
            "at": cut.outlet_county,
            "line": cut.category,
            "tier": cut.tier,
            "channel": cut.channel,
            "supplier": cut.supplier,
            "product": cut.product,
            "outlet": cut.outlet,
            "lot": self.lot_id,
            "q": self.number,
            "flagged": "1" if self.flagged else None,
        } | changes
        return {name: value for name, value in found.items() if value not in (None, "")}


def read_sales_filter(args: Args, today: date) -> SalesFilter:
    """Read the filter of the dashboard and of the sales behind it."""
    name, first, last = read_period(args, today)
    return SalesFilter(
        slice=Slice(
            first=first,
            last=last,
            origin_county=text_of(args, "county"),
            outlet_county=text_of(args, "at"),
            category=text_of(args, "line"),
            tier=choice_of(args, "tier", TIERS),
            channel=choice_of(args, "channel", CHANNELS),
            supplier=text_of(args, "supplier"),
            product=text_of(args, "product"),
            outlet=text_of(args, "outlet"),
        ),
        period=name,
        lot_id=number_of(args, "lot"),
        number=text_of(args, "q"),
        flagged=args.get("flagged") == "1",
    )


def whole_year(found: SalesFilter, today: date) -> SalesFilter:
    """Widen a filter to the last twelve months, where no period was asked for."""
    wide = named_period("12m", today)
    return replace(
        found, slice=replace(found.slice, first=wide.first, last=wide.last), period="12m"
    )


@dataclass(frozen=True, slots=True)
class OutletFilter:
    """Which outlets are asked for."""

    text: str | None = None
    tier: str | None = None
    county: str | None = None
    status: str | None = None
    mode: str | None = None
    operator: str | None = None


def read_outlet_filter(args: Args) -> OutletFilter:
    """Read the filter of the registry."""
    return OutletFilter(
        text=text_of(args, "q"),
        tier=choice_of(args, "tier", TIERS),
        county=text_of(args, "county"),
        status=choice_of(args, "status", STATUSES),
        mode=choice_of(args, "mode", MODES),
        operator=text_of(args, "operator"),
    )


@dataclass(frozen=True, slots=True)
class LotFilter:
    """Which lots are asked for."""

    text: str | None = None
    product: str | None = None
    supplier: str | None = None
    state: str | None = None
    raw: bool = False


def read_lot_filter(args: Args) -> LotFilter:
    """Read the filter of the lots."""
    return LotFilter(
        text=text_of(args, "q"),
        product=text_of(args, "product"),
        supplier=text_of(args, "supplier"),
        state=choice_of(args, "state", LOT_STATES),
        raw=args.get("raw") == "1",
    )


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Which products are asked for."""

    text: str | None = None
    county: str | None = None
    category: str | None = None
    supplier: str | None = None
    status: str | None = None
    lacking: bool = False
    """Only those without the papers they must have."""


def read_product_filter(args: Args) -> ProductFilter:
    """Read the filter of the products."""
    return ProductFilter(
        text=text_of(args, "q"),
        county=text_of(args, "county"),
        category=text_of(args, "line"),
        supplier=text_of(args, "supplier"),
        status=choice_of(args, "status", PRODUCT_STATUSES),
        lacking=args.get("lacking") == "1",
    )


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which acts are asked for."""

    first: date | None = None
    last: date | None = None
    verb: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    actor_id: int | None = None


def read_audit_filter(args: Args) -> AuditFilter:
    """Read the filter of the audit trail."""
    return AuditFilter(
        first=read_day(args.get("from")),
        last=read_day(args.get("to")),
        verb=text_of(args, "verb"),
        object_type=text_of(args, "kind"),
        object_id=text_of(args, "object"),
        actor_id=number_of(args, "actor"),
    )


def read_uuid(text: str) -> UUID:
    """Read a sale's id from an address; raise NotFound when it can't be one."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such sale") from error


class RecallForm(FlaskForm):  # type: ignore[misc]
    """Why goods are called back, said to shops and buyers, and how grave it is."""

    level = SelectField(
        lazy_gettext("Level"),
        choices=[SelectChoice(str(code), name) for code, name in LEVELS.items()],
        default="2",
        validators=[Optional()],
    )
    reason_zh = TextAreaField(
        lazy_gettext("Reason, in Chinese"),
        validators=[
            DataRequired(lazy_gettext("Say why in one or two sentences")),
            Length(max=200, message=lazy_gettext("Please keep this under 200 characters")),
        ],
    )
    reason_en = TextAreaField(
        lazy_gettext("Reason, in English"),
        validators=[
            Optional(),
            Length(max=400, message=lazy_gettext("Please keep this under 400 characters")),
        ],
    )
    sure = BooleanField(
        lazy_gettext("I have checked the number; selling stops everywhere at once"),
        validators=[InputRequired(lazy_gettext("Please confirm that you have checked"))],
    )


class EndRecallForm(FlaskForm):  # type: ignore[misc]
    """How a recall ends, and why."""

    outcome = SelectField(
        lazy_gettext("How it ends"),
        choices=[SelectChoice(code, name) for code, name in OUTCOMES.items()],
        validators=[DataRequired()],
    )
    reason = TextAreaField(
        lazy_gettext("Reason"),
        validators=[
            DataRequired(lazy_gettext("Please say why")),
            Length(max=300, message=lazy_gettext("Please keep this under 300 characters")),
        ],
    )


@dataclass(frozen=True, slots=True)
class ScopeAsked:
    """What is to be recalled, as it was typed."""

    scope: str
    code: str
    since: date | None
    until: date | None

    def args(self) -> dict[str, str]:
        """Give it as an address carries it."""
        named = {
            "scope": self.scope,
            "code": self.code,
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }
        return {name: value for name, value in named.items() if value}


def read_scope(args: Args) -> ScopeAsked:
    """Read what is to be recalled; what makes no sense is refused by whoever looks it up."""
    return ScopeAsked(
        scope=args.get("scope", "lot")[:12],
        code=args.get("code", "").strip()[:2000],
        since=read_day(args.get("since")),
        until=read_day(args.get("until")),
    )


@dataclass(frozen=True, slots=True)
class DeedAsked:
    """What an official says was done with recalled goods."""

    key: str
    place_id: int
    lot_id: int
    act: str
    quantity: int
    serials: tuple[str, ...]


def read_deed(form: Args) -> DeedAsked:
    """Read the form of one place and lot; an unreadable number is nought and so refused."""
    return DeedAsked(
        key=form.get("key", "")[:80],
        place_id=number_of(form, "place") or 0,
        lot_id=number_of(form, "lot") or 0,
        act=form.get("act", "")[:12],
        quantity=number_of(form, "quantity") or 0,
        serials=tuple(dict.fromkeys(form.get("serials", "").split()))[:500],
    )


class SettleForm(FlaskForm):  # type: ignore[misc]
    """What was found out about a discrepancy."""

    note = TextAreaField(
        lazy_gettext("What was found out"),
        validators=[
            DataRequired(lazy_gettext("Please say what was found out")),
            Length(max=300, message=lazy_gettext("Please keep this under 300 characters")),
        ],
    )


class WitnessForm(FlaskForm):  # type: ignore[misc]
    """The key of a witness of the transparency log."""

    vkey = StringField(
        lazy_gettext("Verifier key of the witness"),
        validators=[
            DataRequired(lazy_gettext("Please enter the key")),
            Length(max=300, message=lazy_gettext("Please keep this under 300 characters")),
        ],
    )


class StatusForm(FlaskForm):  # type: ignore[misc]
    """An outlet's new status and the day from which it holds."""

    status = SelectField(
        lazy_gettext("New status"),
        choices=[SelectChoice(code, name) for code, name in STATUSES.items()],
        validators=[DataRequired()],
    )
    on = DateField(
        lazy_gettext("Since"),
        validators=[InputRequired(lazy_gettext("Please enter a date"))],
    )


class ProductStatusForm(FlaskForm):  # type: ignore[misc]
    """Whether a product is on sale."""

    status = StringField(validators=[DataRequired()])
