"""Forms of sending: carrier, waybill, and which cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext
from wtforms import StringField

from cooperatives.forms.base import (
    DeskForm,
    Needed,
    TimeField,
    Wrong,
    local_minute,
    read_count,
    read_moment,
    take,
    text_of,
)
from cooperatives.queries.cases import Packed
from foundation.errors import BadInput, Refused

LONGEST = 40


@dataclass(frozen=True, slots=True)
class Sending:
    """How many cases of which lot at which place leave, with whom."""

    lots: tuple[tuple[int, int, int], ...]
    """(lot id, place id, cases)."""
    carrier: str
    waybill_no: str
    at: datetime


def sending_form(packed: Sequence[Packed], *, now: datetime) -> Any:
    """Build the form: a count beside every lot with closed cases."""
    counted = {"inputmode": "numeric", "autocomplete": "off"}
    alone = len(packed) == 1
    fields: dict[str, Any] = {
        f"n_{row.lot.id}_{row.place.id}": StringField(
            gettext("Cases of lot %(lot)s", lot=row.lot.lot_no),
            default=str(row.cases) if alone else "",
            render_kw=counted,
        )
        for row in packed
    }
    fields |= parcel_fields(now)
    return type("SendingForm", (DeskForm,), fields)()


def parcel_fields(now: datetime) -> dict[str, Any]:
    """Give the fields of whatever is handed to a carrier."""
    return {
        "carrier": StringField(
            gettext("Carrier"),
            validators=[Needed()],
            render_kw={"maxlength": LONGEST, "list": "carriers"},
        ),
        "waybill_no": StringField(
            gettext("Waybill number"),
            validators=[Needed()],
            render_kw={"maxlength": LONGEST, "autocomplete": "off"},
        ),
        "at": TimeField(gettext("When it left"), default=local_minute(now), validators=[Needed()]),
    }


def read_line(raw: Mapping[str, Any], name: str) -> str:
    """Read one line of up to 40 characters that must not be empty."""
    text = text_of(raw, name)
    if not text:
        raise BadInput("Please fill in this field", field=name)
    if len(text) > LONGEST:
        raise BadInput("Please keep this under %(most)s characters", field=name, most=LONGEST)
    return text


def read_sending(raw: Mapping[str, Any], packed: Sequence[Packed], *, now: datetime) -> Sending:
    """Read which cases leave and with whom; raise Wrong naming every fault."""
    faults: dict[str, Refused] = {}
    lots: list[tuple[int, int, int]] = []
    for row in packed:
        name = f"n_{row.lot.id}_{row.place.id}"
        if text_of(raw, name) in {"", "0"}:
            continue
        cases = take(
            faults,
            name,
            lambda row=row, name=name: read_count(  # type: ignore[misc]
                text_of(raw, name), name, most=row.cases
            ),
        )
        if cases:
            lots.append((row.lot.id, row.place.id, cases))
    if not lots and not faults:
        first = f"n_{packed[0].lot.id}_{packed[0].place.id}" if packed else ""
        faults[first] = BadInput("Choose at least one case")
    carrier = take(faults, "carrier", lambda: read_line(raw, "carrier"))
    waybill = take(faults, "waybill_no", lambda: read_line(raw, "waybill_no"))
    at = take(faults, "at", lambda: read_moment(text_of(raw, "at"), "at"))
    if at is not None and at > now:
        faults["at"] = BadInput("This has not happened yet")
    if faults:
        raise Wrong(faults)
    return Sending(tuple(lots), carrier, waybill, at)
