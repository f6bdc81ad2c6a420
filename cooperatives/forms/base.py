"""What every form of this door can do, and how words become numbers and times."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.widgets import DateInput, DateTimeLocalInput

from cooperatives.door import new_key, say
from foundation.clock import LOCAL
from foundation.errors import BadInput, Refused

MOST = Decimal(1_000_000_000)


class Wrong(BadInput):
    """Several fields are wrong at once; `faults` names each with its refusal."""

    def __init__(self, faults: Mapping[str, Refused]) -> None:
        super().__init__("Not saved yet. Please look at the marked fields.")
        self.faults = dict(faults)
        self.field = next(iter(faults), None)


class DeskForm(FlaskForm):  # type: ignore[misc]
    """A form with the key that lets it be sent twice, and a place for the verb's refusal."""

    key = HiddenField(default=new_key)

    def refuse(self, refusal: Refused, names: Mapping[str, str] | None = None) -> None:
        """Put a refusal beside the field it names, or above the form when it names none.

        `names` says which field stands for a name that the verb uses.
        """
        faults = refusal.faults if isinstance(refusal, Wrong) else {refusal.field or "": refusal}
        for name, fault in faults.items():
            field = self._fields.get((names or {}).get(name, name))
            if field is None:
                self.form_errors.append(say(fault))
            else:
                field.errors = [*field.errors, say(fault)]


class Needed:
    """Marks a field as one that must be filled in; the parser is who refuses."""

    field_flags: ClassVar = {"required": True}

    def __call__(self, form: object, field: object) -> None:
        """Refuse nothing here, so that pages and partners meet the same refusals."""


class DateField(StringField):
    """A day as the browser's own picker writes it; wrong text stays as it was typed."""

    widget = DateInput()


class TimeField(StringField):
    """A local day and minute as the browser's own picker writes them."""

    widget = DateTimeLocalInput()


def choices_of(named: Iterable[tuple[object, str]]) -> list[Any]:
    """Make the choices of a list or of chips from (value, words)."""
    return [SelectChoice(str(value), words) for value, words in named]


def local_minute(moment: datetime) -> str:
    """Write a moment as a `datetime-local` field wants it."""
    return moment.astimezone(LOCAL).strftime("%Y-%m-%dT%H:%M")


def read_moment(text: str, field: str) -> datetime:
    """Read a day and minute; without an offset it is the region's own time."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInput("Please enter day and time", field=field) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)


def read_day(text: str, field: str, *, needed: bool = True) -> date | None:
    """Read a day; an empty one is None when it may be left out."""
    if not text.strip() and not needed:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInput("Please enter a date", field=field) from error


def read_count(text: str, field: str, *, least: int = 1, most: int = 1_000_000) -> int:
    """Read a whole number between `least` and `most`."""
    words = text.strip().replace(",", "")
    if not words.isascii() or not words.isdecimal() or len(words) > 12:  # noqa: PLR2004 -- far above `most`
        raise BadInput("Please enter a whole number", field=field)
    number = int(words)
    if number < least:
        raise BadInput("This must be at least %(low)s", field=field, low=least)
    if number > most:
        raise BadInput("This must be at most %(high)s", field=field, high=most)
    return number


def read_amount(text: str, field: str, factor: int) -> int:
    """Read a decimal of a larger unit (kg) as whole base units (g)."""
    try:
        amount = Decimal(text.strip().replace(",", "")) * factor
    except InvalidOperation as error:
        raise BadInput("Please enter a number", field=field) from error
    if not amount.is_finite() or not 0 < amount <= MOST:
        raise BadInput("This must be more than nothing", field=field)
    return round(amount)


def written_amount(quantity: int, factor: int) -> str:
    """Write base units (g) in the larger unit (kg) as a field shows them: 410000 → 410."""
    return f"{Decimal(quantity) / factor:f}"


def read_price(text: str, field: str) -> int:
    """Read yuan with at most two decimals as fen."""
    try:
        fen = Decimal(text.strip().replace(",", "").removeprefix("¥")) * 100
    except InvalidOperation as error:
        raise BadInput("Please enter a price such as 68 or 68.50", field=field) from error
    if not fen.is_finite() or fen != fen.to_integral_value() or not 0 < fen <= 100_000_000:  # noqa: PLR2004 -- a million yuan
        raise BadInput("Please enter a price such as 68 or 68.50", field=field)
    return int(fen)


def text_of(raw: Mapping[str, Any], name: str) -> str:
    """Give one entry of what came in as trimmed text."""
    value = raw.get(name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def take(faults: dict[str, Refused], field: str, read: Callable[[], Any]) -> Any:
    """Read one field; note a refusal under the name it carries, so that all are shown at once."""
    try:
        return read()
    except Refused as refusal:
        faults[refusal.field or field] = refusal
        return None
