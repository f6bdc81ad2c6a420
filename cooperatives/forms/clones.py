"""Forms about copied codes: what was found out, and which numbers get a scratch code."""

from typing import Any

from flask_babel import gettext
from wtforms import StringField, TextAreaField

from cooperatives.forms.base import DeskForm, Needed


def close_form(alarm_id: int) -> Any:
    """Build the form that closes one alarm; several stand on one page."""
    fields = {
        "note": TextAreaField(
            gettext("What you found out"),
            id=f"note-{alarm_id}",
            validators=[Needed()],
            render_kw={"maxlength": 300, "rows": 2},
        )
    }
    return type("CloseForm", (DeskForm,), fields)()


def scratch_form(first: str, last: str) -> Any:
    """Build the form that asks for which numbers codes are made."""
    typed = {"maxlength": 20, "autocomplete": "off", "autocapitalize": "characters"}
    fields = {
        "first": StringField(
            gettext("From number"), default=first, validators=[Needed()], render_kw=dict(typed)
        ),
        "last": StringField(
            gettext("To number"), default=last, validators=[Needed()], render_kw=dict(typed)
        ),
    }
    return type("ScratchForm", (DeskForm,), fields)()
