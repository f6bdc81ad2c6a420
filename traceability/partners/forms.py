"""The form that makes a token for a partner's system."""

from typing import Any, Final

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from foundation.errors import NotFound

SCOPE_WORDS: Final = {
    "capture": _l("Send events"),
    "query": _l("Ask for events"),
    "subscribe": _l("Be told of new events"),
}


class SystemTokenForm(FlaskForm):  # type: ignore[misc]
    """For whom, what for, and what it may do."""

    organisation = SelectField(_l("Organisation"), coerce=int)
    label = StringField(
        _l("Which system is it for?"),
        [
            InputRequired(_l("Give the token a name, so that you know it again")),
            Length(max=60, message=_l("Please keep this under 60 characters")),
        ],
        render_kw={"autocomplete": "off", "maxlength": 60},
    )
    scopes = SelectMultipleField(
        _l("What may it do?"),
        [InputRequired(_l("Choose what the token may do"))],
        choices=[SelectChoice(value, word) for value, word in SCOPE_WORDS.items()],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        validate_choice=True,
    )

    @classmethod
    def offering(cls, organisations: list[tuple[int, str]], **more: Any) -> "SystemTokenForm":
        """Make the form for these organisations; raise NotFound when there is none."""
        if not organisations:
            raise NotFound("There is no such organisation")
        form = cls(**more)
        form.organisation.choices = [SelectChoice(key, name) for key, name in organisations]
        return form
