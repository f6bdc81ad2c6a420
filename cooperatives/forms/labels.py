"""Forms of printing: how many of which sheet, and what is printed again and why."""

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import gettext
from wtforms import HiddenField, SelectField, StringField

from cooperatives.forms.base import DeskForm, Needed, choices_of, read_count, text_of
from traceability.services.labels import MOST_LABELS, Printing

FIRST_SHEET: Final = 48


def layout_words() -> list[tuple[object, str]]:
    """Name the sheets and rolls on offer."""
    return [
        ("a4-3x8", gettext("A4 sheet, 24 labels of 70 × 37 mm")),
        ("a4-4x12", gettext("A4 sheet, 48 labels of 45.7 × 21.2 mm")),
        ("roll-60x40", gettext("Roll, 60 × 40 mm")),
        ("roll-40x30", gettext("Roll, 40 × 30 mm")),
    ]


def _layout(where: str) -> Any:
    return SelectField(
        gettext("Sheet or roll"),
        id=f"{where}-layout",
        choices=choices_of(layout_words()),
        validate_choice=False,
        validators=[Needed()],
    )


def print_form(left: int, *, any_number: bool, fresh: bool = False) -> Any:
    """Build the form of a first printing; `fresh` ignores what was sent."""
    fields = {
        "count": StringField(
            gettext("How many labels"),
            default=str(min(left, FIRST_SHEET) or (FIRST_SHEET if any_number else 0)),
            validators=[Needed()],
            render_kw={"inputmode": "numeric", "autocomplete": "off"},
        ),
        "layout": _layout("print"),
    }
    made = type("PrintForm", (DeskForm,), fields)
    return made(None) if fresh else made()


def again_form(*, fresh: bool = True) -> Any:
    """Build the form of printing some labels again; `fresh` ignores what was sent."""
    typed = {"maxlength": 20, "autocomplete": "off", "autocapitalize": "characters"}
    fields = {
        "again": HiddenField(default="1"),
        "first": StringField(gettext("From number"), validators=[Needed()], render_kw=dict(typed)),
        "last": StringField(gettext("To number"), render_kw=dict(typed)),
        "reason": SelectField(
            gettext("Why again"),
            choices=choices_of(
                [
                    ("", gettext("Please choose")),
                    ("spoilt", gettext("Torn or dirty")),
                    ("lost", gettext("Lost")),
                    ("misprinted", gettext("Printed badly")),
                ]
            ),
            validate_choice=False,
            validators=[Needed()],
        ),
        "layout": _layout("again"),
    }
    made = type("AgainForm", (DeskForm,), fields)
    return made(None) if fresh else made()


def read_print(raw: Mapping[str, Any], lot_id: int) -> Printing:
    """Read how many labels are printed; raise BadInput."""
    count = read_count(text_of(raw, "count"), "count", most=MOST_LABELS)
    return Printing(lot_id, text_of(raw, "layout"), count=count)


def read_again(raw: Mapping[str, Any], lot_id: int) -> Printing:
    """Read which labels are printed again and why."""
    return Printing(
        lot_id,
        text_of(raw, "layout"),
        first=text_of(raw, "first")[:20],
        last=text_of(raw, "last")[:20],
        reason=text_of(raw, "reason"),
    )
