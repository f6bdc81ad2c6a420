"""Forms around lots: opening one, packing cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext
from wtforms import SelectField, StringField

from cooperatives.forms.base import (
    DeskForm,
    Needed,
    TimeField,
    Wrong,
    choices_of,
    local_minute,
    read_count,
    read_moment,
    take,
)
from foundation.errors import BadInput, Refused
from parties.network.models import Place

MOST_CASES = 500


@dataclass(frozen=True, slots=True)
class NewLot:
    """Which material or kit a new lot is of, and its number."""

    sku_id: int
    lot_no: str


@dataclass(frozen=True, slots=True)
class Packing:
    """How many cases of how many packs are closed, where and when."""

    place_id: int
    cases: int
    per_case: int
    at: datetime


def new_lot_form(choices: Sequence[tuple[int, str]], lot_no: str, sku_id: int | None) -> Any:
    """Build the form of a new lot: `choices` are (SKU id, its name)."""
    fields = {
        "sku_id": SelectField(
            gettext("What is it?"),
            choices=choices_of(choices),
            default=str(sku_id) if sku_id else None,
            validate_choice=False,
            validators=[Needed()],
        ),
        "lot_no": StringField(
            gettext("Lot number"),
            default=lot_no,
            validators=[Needed()],
            render_kw={"maxlength": 20, "autocomplete": "off", "autocapitalize": "characters"},
        ),
    }
    return type("NewLotForm", (DeskForm,), fields)()


def read_new_lot(raw: dict[str, Any], allowed: Sequence[int]) -> NewLot:
    """Read a new lot; raise BadInput for a material that is not this supplier's own."""
    sku = str(raw.get("sku_id") or "")
    if not sku.isdecimal() or int(sku) not in allowed:
        raise BadInput("Please choose one of the list", field="sku_id")
    return NewLot(int(sku), str(raw.get("lot_no") or ""))


def packing_form(
    places: Sequence[Place], *, loose: int, per_case: int, now: datetime, language: str
) -> Any:
    """Build the form of packing cases, filled with as many full cases as there are packs for."""
    named = [(str(p.id), p.name_zh if language == "zh" else p.name_en) for p in places]
    counted = {"inputmode": "numeric", "autocomplete": "off"}
    fields = {
        "cases": StringField(
            gettext("How many cases"),
            default=str(min(MOST_CASES, loose // per_case) or 1),
            validators=[Needed()],
            render_kw=counted,
        ),
        "per_case": StringField(
            gettext("Packs in a case"),
            default=str(per_case),
            validators=[Needed()],
            render_kw=counted,
        ),
        "place_id": SelectField(
            gettext("Where"),
            choices=choices_of(named),
            validate_choice=False,
            validators=[Needed()],
        ),
        "at": TimeField(
            gettext("When it happened"), default=local_minute(now), validators=[Needed()]
        ),
    }
    return type("PackingForm", (DeskForm,), fields)()


def read_packing(raw: dict[str, Any], places: Sequence[Place], *, now: datetime) -> Packing:
    """Read a packing of cases; raise Wrong naming every fault."""
    faults: dict[str, Refused] = {}
    cases = take(faults, "cases", lambda: read_count(raw["cases"], "cases", most=MOST_CASES))
    per = take(faults, "per_case", lambda: read_count(raw["per_case"], "per_case", most=MOST_CASES))
    at = take(faults, "at", lambda: read_moment(raw["at"], "at"))
    if at is not None and at > now:
        faults["at"] = BadInput("This has not happened yet")
    if raw["place_id"] not in {str(place.id) for place in places}:
        faults["place_id"] = BadInput("Please choose one of your own places")
    if faults:
        raise Wrong(faults)
    return Packing(int(raw["place_id"]), cases, per, at)
