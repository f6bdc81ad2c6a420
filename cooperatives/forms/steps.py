"""The form of one step, built from its template in the reader's language."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext
from wtforms import HiddenField, RadioField, SelectField, StringField

from cooperatives.forms.base import (
    DateField,
    DeskForm,
    Needed,
    TimeField,
    choices_of,
    local_minute,
    written_amount,
)
from cooperatives.forms.papers import paper_fields
from cooperatives.queries.steps import PAPER_DAY, Element, Pack, StepContext
from foundation import clock

CHIPS: Final = 4
"""Up to so many choices stand side by side; more go into a list."""
TODAY: Final = frozenset({"harvest_date", "production_date", *PAPER_DAY})
"""Days that are mostly the day of the step itself, and so are filled in."""


def step_form(context: StepContext, *, now: datetime, language: str) -> Any:
    """Build the form of a step in the reader's language, filled with what was sent."""
    fields: dict[str, Any] = {
        "step": HiddenField(default=context.step["step"]),
        "at": TimeField(
            gettext("When it happened"),
            default=local_minute(now),
            validators=[Needed()],
            render_kw={"max": local_minute(now)},
        ),
        "place_id": _place_field(context, language),
    }
    if context.asks_quantity:
        fields["quantity"] = _quantity_field(context, language)
    if context.transforms and context.kit is None:
        for pack in context.packs:
            fields |= _pack_fields(pack, language)
    for element in context.elements:
        fields[f"v_{element['code']}"] = _value_field(context, element, now, language)
    if context.step.get("certificate_kind"):
        fields |= paper_fields(context, now)
    return type("StepForm", (DeskForm,), fields)()


def _place_field(context: StepContext, language: str) -> Any:
    named = [(str(place.id), _named(place, language)) for place in context.places]
    return SelectField(
        gettext("Where"),
        choices=choices_of(named),
        default=str(context.place.id) if context.place else None,
        validate_choice=False,
        validators=[Needed()],
    )


def _named(thing: object, language: str) -> str:
    names = [f"name_{language}", "name_zh"]
    if isinstance(thing, Mapping):
        return next((str(thing[name]) for name in names if thing.get(name)), "")
    return next((str(getattr(thing, name)) for name in names if getattr(thing, name, "")), "")


def unit_word(unit: str) -> str:
    """Give the word of the larger unit in which a quantity of base unit `unit` is asked for."""
    word: str = {"g": gettext("kg"), "mL": gettext("litres")}.get(unit, gettext("pieces"))
    return word


def _quantity_field(context: StepContext, language: str) -> Any:
    what, unit = _named(context.found, language), unit_word(context.unit)
    if context.kit is not None:
        label, default = gettext("How many were made"), ""
    elif context.transforms:
        label = gettext("How much %(what)s was used (%(unit)s)", what=what, unit=unit)
        default = written_amount(context.held, context.factor)
    elif context.step["biz_step"] == "commissioning":
        label, default = gettext("How many are numbered"), str(context.held or "")
    else:
        label = gettext("How much (%(unit)s)", unit=unit)
        default = ""
    mode = "decimal" if context.factor > 1 else "numeric"
    return StringField(
        label,
        default=default,
        validators=[Needed()],
        render_kw={"inputmode": mode, "autocomplete": "off"},
    )


def _pack_fields(pack: Pack, language: str) -> dict[str, Any]:
    spec = pack.sku.spec_zh if language == "zh" else pack.sku.spec_en
    return {
        f"out_{pack.sku.id}_count": StringField(
            gettext("How many %(spec)s came out", spec=spec),
            render_kw={"inputmode": "numeric", "autocomplete": "off"},
        ),
        f"out_{pack.sku.id}_lot": StringField(
            gettext("Lot number of %(spec)s", spec=spec),
            default=pack.lot_no,
            render_kw={"maxlength": 20, "autocomplete": "off", "autocapitalize": "characters"},
        ),
    }


def _value_field(context: StepContext, element: Element, now: datetime, language: str) -> Any:
    label = _named(element, language)
    if unit := element.get("unit"):
        label = gettext("%(name)s (%(unit)s)", name=label, unit=unit[f"label_{language}"])
    must = [Needed()] if element.get("required") else []
    default = _default(context, element, now)
    match element.get("type", "text"):
        case "boolean":
            words = [("true", gettext("Yes")), ("false", gettext("No"))]
            return RadioField(
                label, choices=choices_of(words), validate_choice=False, validators=must
            )
        case "choice":
            named = [(str(choice["code"]), str(choice[language])) for choice in element["choices"]]
            if len(named) <= CHIPS:
                return RadioField(
                    label, choices=choices_of(named), validate_choice=False, validators=must
                )
            named.insert(0, ("", gettext("Please choose")))
            return SelectField(
                label, choices=choices_of(named), validate_choice=False, validators=must
            )
        case "date":
            return DateField(label, default=default, validators=must)
        case "integer" | "number" as kind:
            mode = "numeric" if kind == "integer" else "decimal"
            keys: dict[str, Any] = {
                "inputmode": mode,
                "autocomplete": "off",
                "placeholder": _example(element),
            }
            return StringField(label, default=default, validators=must, render_kw=keys)
    keys = {"maxlength": 200, "autocomplete": "off", "placeholder": _example(element)}
    return StringField(label, default=default, validators=must, render_kw=keys)


def _example(element: Element) -> str:
    example = element.get("example")
    return "" if example is None else gettext("such as %(example)s", example=example)


def _default(context: StepContext, element: Element, now: datetime) -> str:
    """Give what the program already knows of a value, so that it need not be typed."""
    code, today = element["code"], clock.business_date(now)
    source = context.step.get("quantity_from")
    if source and code == source["key_data_element"] and context.step["action"] != "ADD":
        held = max((held for _, held in context.lying), default=0)
        return written_amount(held, source["factor"]) if held else ""
    if code in TODAY:
        return today.isoformat()
    if code == "best_before":
        days = context.found.product.shelf_life_days
        made = context.found.lot.produced_on or today
        return (made + timedelta(days=days)).isoformat() if days else ""
    return ""
