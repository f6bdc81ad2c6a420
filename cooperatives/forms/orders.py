"""The form by which a parcel is handed to a carrier."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from flask_babel import gettext
from wtforms import TextAreaField

from cooperatives.forms.base import DeskForm, Wrong, read_moment, take, text_of
from cooperatives.forms.shipments import parcel_fields, read_line
from foundation.errors import BadInput, Refused
from traceability.digital_link import ItemCode
from traceability.scan_codes import read_code

MOST_SCANNED = 500


class Handed(NamedTuple):
    """With whom a parcel leaves, when, and which packs were scanned into it."""

    carrier: str
    waybill_no: str
    at: datetime
    scanned: tuple[tuple[str, str], ...]


def dispatch_form(*, now: datetime, serial: bool) -> Any:
    """Build the form; packs are scanned only where they have numbers."""
    fields = parcel_fields(now)
    if serial:
        fields["scanned"] = TextAreaField(
            gettext("Codes of the packs inside"),
            render_kw={"rows": 3, "autocomplete": "off", "spellcheck": "false"},
        )
    return type("DispatchForm", (DeskForm,), fields)()


def read_dispatch(raw: Mapping[str, Any]) -> Handed:
    """Read a dispatch; raise Wrong naming every fault."""
    faults: dict[str, Refused] = {}
    carrier = take(faults, "carrier", lambda: read_line(raw, "carrier"))
    waybill = take(faults, "waybill_no", lambda: read_line(raw, "waybill_no"))
    at = take(faults, "at", lambda: read_moment(text_of(raw, "at"), "at"))
    scanned = take(faults, "scanned", lambda: _read_codes(text_of(raw, "scanned")))
    if faults:
        raise Wrong(faults)
    return Handed(carrier, waybill, at, scanned)


def _read_codes(text: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for line in text.split():
        code = read_code(line).code
        if not isinstance(code, ItemCode) or code.serial is None:
            raise BadInput("Scan the code on each pack; this one has no number", field="scanned")
        found.append((code.gtin, code.serial))
    if len(found) > MOST_SCANNED:
        raise BadInput("Please keep this under %(most)s codes", field="scanned", most=MOST_SCANNED)
    return tuple(found)
