"""Forms of printing: how many of which sheet, what is printed again, what is withdrawn, and why."""

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import gettext
from wtforms import BooleanField, HiddenField, SelectField, StringField

from cooperatives.forms.base import DeskForm, Needed, choices_of, read_count, text_of
from foundation.errors import BadInput
from traceability.printing.services import MOST_LABELS, Printing, Voiding

FIRST_SHEET: Final = 48
_TYPED: Final = {"maxlength": 20, "autocomplete": "off", "autocapitalize": "characters"}


def layout_words(kind: str = "item") -> list[tuple[str, str]]:
    """Name the sheets and rolls on offer for a kind of label."""
    if kind == "case":
        return [
            ("case-100x150", gettext("Label printer, 100 × 150 mm")),
            ("zpl-100x150", gettext("Zebra printer (ZPL), 100 × 150 mm")),
        ]
    return [
        ("a4-3x8", gettext("A4 sheet, 24 labels of 70 × 37 mm")),
        ("a4-2x7", gettext("A4 sheet, 14 labels of 99.1 × 38.1 mm")),
        ("a4-3x7", gettext("A4 sheet, 21 labels of 63.5 × 38.1 mm")),
        ("a4-4x12", gettext("A4 sheet, 48 labels of 45.7 × 21.2 mm")),
        ("a4-5x13", gettext("A4 sheet, 65 labels of 38.1 × 21.2 mm")),
        ("roll-60x40", gettext("Roll, 60 × 40 mm")),
        ("roll-40x30", gettext("Roll, 40 × 30 mm")),
        ("roll-58", gettext("Receipt roll of 58 mm, labels of 40 mm")),
        ("roll-80", gettext("Receipt roll of 80 mm, labels of 50 mm")),
        ("zpl-60x40", gettext("Zebra printer (ZPL), 60 × 40 mm")),
        ("zpl-40x30", gettext("Zebra printer (ZPL), 40 × 30 mm")),
        ("zpl-80x50", gettext("Zebra printer (ZPL), 80 × 50 mm")),
        ("zpl-40x20", gettext("Zebra printer (ZPL), 40 × 20 mm, Data Matrix")),
    ]


def kind_words() -> dict[str, str]:
    """Name the kinds of labels."""
    return {
        "item": gettext("Pack by pack"),
        "lot": gettext("Same on every pack"),
        "case": gettext("Cases"),
    }


def again_words() -> dict[str, str]:
    """Name the reasons for printing again."""
    return {
        "spoilt": gettext("Torn or dirty"),
        "lost": gettext("Lost"),
        "misprinted": gettext("Printed badly"),
    }


def state_words() -> dict[str, str]:
    """Name how far a file can be."""
    return {
        "waiting": gettext("Waits for its turn"),
        "making": gettext("Being made"),
        "done": gettext("Ready"),
        "failed": gettext("Failed"),
        "cancelled": gettext("Stopped"),
    }


def void_words() -> dict[str, str]:
    """Name the reasons for withdrawing numbers."""
    return {
        "spoilt": gettext("Torn or dirty"),
        "misprinted": gettext("Printed badly"),
        "unused": gettext("Left over, no pack for it"),
        "lost": gettext("Lost"),
    }


def _layout(where: str, kind: str, chosen: str) -> Any:
    return SelectField(
        gettext("Sheet or roll"),
        id=f"{where}-layout",
        choices=choices_of(layout_words(kind)),
        default=chosen or None,
        validate_choice=False,
        validators=[Needed()],
        render_kw={"data-layouts": ""} if where == "print" else {},
    )


def _why(words: Mapping[str, str], name: str, **more: Any) -> Any:
    return SelectField(
        name,
        choices=choices_of([("", gettext("Please choose")), *words.items()]),
        validate_choice=False,
        validators=[Needed()],
        **more,
    )


def print_form(left: int, kind: str, *, layout: str = "", fresh: bool = False) -> Any:
    """Build the form of a first printing; `fresh` ignores what was sent."""
    first = min(left, FIRST_SHEET) or (FIRST_SHEET if kind == "lot" else 0)
    fields = {
        "kind": HiddenField(default=kind),
        "count": StringField(
            gettext("How many labels"),
            default=str(first),
            validators=[Needed()],
            render_kw={"inputmode": "numeric", "autocomplete": "off"},
        ),
        "layout": _layout("print", kind, layout),
    }
    if kind != "lot":
        fields["until"] = StringField(
            gettext("Or up to number"), render_kw=_TYPED | {"placeholder": ""}
        )
    made = type("PrintForm", (DeskForm,), fields)
    return made(None) if fresh else made()


def again_form(
    kind: str, *, first: str = "", last: str = "", layout: str = "", fresh: bool = True
) -> Any:
    """Build the form of printing some labels again; `fresh` ignores what was sent."""
    fields = {
        "again": HiddenField(default="1"),
        "kind": HiddenField(default=kind, id="again-kind"),
        "first": StringField(
            gettext("From number"), default=first, validators=[Needed()], render_kw=dict(_TYPED)
        ),
        "last": StringField(gettext("To number"), default=last, render_kw=dict(_TYPED)),
        "reason": _why(again_words(), gettext("Why again")),
        "layout": _layout("again", kind, layout),
    }
    made = type("AgainForm", (DeskForm,), fields)
    return made(None) if fresh else made()


def void_form(*, first: str = "", last: str = "", fresh: bool = True) -> Any:
    """Build the form of withdrawing numbers; `fresh` ignores what was sent."""
    fields = {
        "void": HiddenField(default="1"),
        "first": StringField(
            gettext("From number"),
            id="void-first",
            default=first,
            validators=[Needed()],
            render_kw=dict(_TYPED),
        ),
        "last": StringField(
            gettext("To number"), id="void-last", default=last, render_kw=dict(_TYPED)
        ),
        "reason": _why(void_words(), gettext("Why withdrawn"), id="void-reason"),
        "renumber": BooleanField(
            gettext("Give these packs new numbers, to be printed next"), default=True
        ),
    }
    made = type("VoidForm", (DeskForm,), fields)
    return made(None) if fresh else made()


def read_print(raw: Mapping[str, Any], lot_id: int) -> Printing:
    """Read how many labels are printed; raise BadInput."""
    until = text_of(raw, "until")[:20]
    count = 0 if until else read_count(text_of(raw, "count"), "count", most=MOST_LABELS)
    return Printing(
        lot_id, text_of(raw, "layout"), count=count, last=until, kind=text_of(raw, "kind")[:4]
    )


def read_again(raw: Mapping[str, Any], lot_id: int) -> Printing:
    """Read which labels are printed again and why; raise BadInput."""
    first = text_of(raw, "first")[:20]
    if not first:
        raise BadInput("Please fill in this field", field="first")
    return Printing(
        lot_id,
        text_of(raw, "layout"),
        first=first,
        last=text_of(raw, "last")[:20],
        reason=text_of(raw, "reason")[:12],
        kind=text_of(raw, "kind")[:4],
    )


def read_void(raw: Mapping[str, Any], lot_id: int, key: str) -> Voiding:
    """Read which numbers are withdrawn and why."""
    return Voiding(
        key[:40],
        lot_id,
        text_of(raw, "first")[:20],
        text_of(raw, "last")[:20],
        text_of(raw, "reason")[:12],
        renumber=bool(raw.get("renumber")),
    )
