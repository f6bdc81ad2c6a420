"""A paper that comes with a step: what is asked of it, and how it is read."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import Any, Final

from flask_babel import gettext
from wtforms import FileField, HiddenField, StringField

from cooperatives.forms.base import DateField, Needed, read_day, take, text_of
from cooperatives.queries.steps import StepContext
from foundation import clock
from foundation.errors import BadInput, Refused
from traceability.services.lots import Paper

RESULT_ROWS: Final = 3
NO_RESULT: Final = frozenset({"sample_size", "quantity_kg", "carcass_kg", "ageing_hours"})
MOST: Final = 1e9


def paper_fields(context: StepContext, now: datetime) -> dict[str, Any]:
    """Ask of the paper only what the template's own values do not say already."""
    fields: dict[str, Any] = {}
    needs = context.needs
    if needs["number"] is None:
        fields["paper_number"] = StringField(
            gettext("Number of the paper"), validators=[Needed()], render_kw={"maxlength": 40}
        )
    if needs["issuer"] is None:
        fields["paper_issuer"] = StringField(
            gettext("Issued by"), validators=[Needed()], render_kw={"maxlength": 80}
        )
    if needs["issued_on"] is None:
        fields["paper_issued_on"] = DateField(
            gettext("Issued on"),
            default=clock.business_date(now).isoformat(),
            validators=[Needed()],
        )
    fields["paper_valid_to"] = DateField(gettext("Valid to"))
    fields["paper_file"] = FileField(
        gettext("The paper itself"), render_kw={"accept": ".pdf,.jpg,.jpeg,.png"}
    )
    fields["paper_kept"] = HiddenField()
    if context.step["certificate_kind"] == "test_report":
        for n in range(1, RESULT_ROWS + 1):
            fields[f"res_{n}_name"] = StringField(
                gettext("Item %(n)s", n=n), render_kw={"maxlength": 40}
            )
            fields[f"res_{n}_value"] = StringField(
                gettext("Result"), render_kw={"inputmode": "decimal", "maxlength": 20}
            )
            fields[f"res_{n}_limit"] = StringField(
                gettext("At most"), render_kw={"inputmode": "decimal", "maxlength": 20}
            )
            fields[f"res_{n}_unit"] = StringField(gettext("Unit"), render_kw={"maxlength": 20})
    return fields


def read_paper(
    raw: Mapping[str, Any],
    context: StepContext,
    values: Mapping[str, Any],
    file_key: str | None,
    faults: dict[str, Refused],
) -> Paper:
    """Read the paper of a step, from its own fields and the template's values; note faults."""
    needs = context.needs

    def said(fact: str) -> str:
        code = needs[fact]
        return str(values.get(code, "")) if code else text_of(raw, f"paper_{fact}")

    def need(fact: str) -> str:
        text = said(fact)
        if not text and needs[fact] is None:
            faults[f"paper_{fact}"] = BadInput("Please fill in this field")
        return text

    number, issuer = need("number")[:40], need("issuer")[:80]
    issued: date | None = None
    if text := need("issued_on"):
        issued = take(faults, "paper_issued_on", lambda: read_day(text[:10], "paper_issued_on"))
    valid_to = take(
        faults,
        "paper_valid_to",
        lambda: read_day(text_of(raw, "paper_valid_to"), "paper_valid_to", needed=False),
    )
    if issued and valid_to and valid_to < issued:
        faults["paper_valid_to"] = BadInput("This day is before the paper was issued")
    results = (*_results(context, values), *_more_results(raw, faults))
    return Paper(
        kind=context.step["certificate_kind"],
        number=number,
        issuer_zh=issuer,
        issuer_en=issuer,
        issued_on=issued or date.min,
        valid_to=valid_to,
        results=results if context.step["certificate_kind"] == "test_report" else (),
        file_key=file_key,
    )


def _results(context: StepContext, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Make rows of the test report from the template's measured values and their limits."""
    rows = []
    for element in context.elements:
        value = values.get(element["code"])
        measured = element.get("type") in {"number", "integer"}
        if value is None or not measured or element["code"] in NO_RESULT:
            continue
        low, high, unit = element.get("min"), element.get("max"), element.get("unit") or {}
        floor = bool(low) and high == 100  # noqa: PLR2004 -- a share with a lower limit only
        rows.append(
            {
                "name_zh": element["name_zh"],
                "name_en": element["name_en"],
                "unit": unit.get("label_zh", ""),
                "value": value,
                "limit": low if floor else high,
                "kind": "min" if floor else "max",
            }
        )
    return rows


def _more_results(raw: Mapping[str, Any], faults: dict[str, Refused]) -> list[dict[str, Any]]:
    rows = []
    for n in range(1, RESULT_ROWS + 1):
        name = text_of(raw, f"res_{n}_name")[:40]
        if not name:
            continue
        value = take(faults, f"res_{n}_value", partial(_decimal, raw, f"res_{n}_value"))
        limit = None
        if text_of(raw, f"res_{n}_limit"):
            limit = take(faults, f"res_{n}_limit", partial(_decimal, raw, f"res_{n}_limit"))
        unit = text_of(raw, f"res_{n}_unit")[:20]
        rows.append(
            {
                "name_zh": name,
                "name_en": name,
                "unit": unit,
                "value": value,
                "limit": limit,
                "kind": "max",
            }
        )
    return rows


def _decimal(raw: Mapping[str, Any], field: str) -> float:
    try:
        number = float(text_of(raw, field))
    except ValueError as error:
        raise BadInput("Please enter a number", field=field) from error
    if not -MOST < number < MOST:
        raise BadInput("Please enter a number", field=field)
    return number
