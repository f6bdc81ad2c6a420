"""How records of the ledger are worded on the desk's pages; decides nothing."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import gettext

from cooperatives.door import language
from cooperatives.queries.lots import DeskLot, Record

Step = Mapping[str, Any]

EXTENSION = "shanhuo:"
ROLES = ("epc", "input", "output")


def element_text(element: Mapping[str, Any], value: Any) -> str:
    """Write one recorded value with its unit, or the words of the choice that was made."""
    tongue = language()
    if isinstance(value, bool):
        return str(gettext("Yes") if value else gettext("No"))
    for choice in element.get("choices") or ():
        if choice["code"] == value:
            return str(choice[tongue])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    unit = element.get("unit")
    return f"{value} {unit[f'label_{tongue}']}" if unit else str(value)


def values_of(record: Record, steps: Sequence[Step]) -> list[tuple[str, str]]:
    """List what was written down with a record: (name, value), in the template's order."""
    step: Step = next((s for s in steps if s["step"] == record.event.template_step), {})
    found: list[tuple[str, str]] = []
    for element in step.get("key_data_elements", ()):
        value = record.document.get(EXTENSION + element["code"])
        if value is not None:
            found.append((str(element[f"name_{language()}"]), element_text(element, value)))
    percent = record.document.get(f"{EXTENSION}yieldPercent")
    if percent is not None:
        found.append((gettext("Yield"), f"{percent}%"))
    return found


def step_name(steps: Sequence[Step], code: str | None) -> str:
    """Give the name of a step in the reader's language."""
    tongue = f"name_{language()}"
    return next((str(s[tongue]) for s in steps if s["step"] == code), code or "")


def progress_marks(found: DeskLot) -> list[tuple[str, str]]:
    """List the way of a lot for the progress bar: (name, done, now or todo)."""
    tongue = f"name_{language()}"
    return [(str(step[tongue]), state) for step, state in found.progress]


def paper_state(valid_to: date | None, today: date) -> str:
    """Tell how long a paper still holds: valid, 90, 30, 7 or expired."""
    if valid_to is None:
        return "valid"
    left = (valid_to - today).days
    if left < 0:
        return "expired"
    return next((str(limit) for limit in (7, 30, 90) if left <= limit), "valid")
