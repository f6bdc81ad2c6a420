"""What comes in through people's pages: fields with their checks; plain values come out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # SelectChoice is newer than the stubs
    BooleanField,
    EmailField,
    Field,
    HiddenField,
    PasswordField,
    RadioField,
    SelectChoice,
    StringField,
    TelField,
)
from wtforms.validators import InputRequired, Length, ValidationError

from foundation.errors import Refused
from parties.people import rules

Check = Callable[[FlaskForm, Field], None]


def say(refusal: Refused) -> str:
    """Give a refusal's sentence in the reader's language, filled in."""
    text: str = gettext(refusal.text)
    return text % refusal.params if refusal.params else text


def by(rule: Callable[[str], object]) -> Check:
    """Make a field's check of a rule that raises Refused."""

    def check(_form: FlaskForm, field: Field) -> None:
        try:
            rule(field.data or "")
        except Refused as refusal:
            raise ValidationError(say(refusal)) from refusal

    return check


def needed(sentence: Any) -> InputRequired:
    """Make a field required, with a sentence that says what to do."""
    return InputRequired(sentence)


EMAIL_HELP: Final = {"autocomplete": "email", "inputmode": "email", "maxlength": 254}
PHONE_HELP: Final = {"autocomplete": "tel-national", "inputmode": "tel", "maxlength": 24}
CODE_HELP: Final = {"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": 12}
OLD_HELP: Final = {"autocomplete": "current-password", "maxlength": 128}
NEW_HELP: Final = {"autocomplete": "new-password", "maxlength": 128}
NAME_HELP: Final = {"autocomplete": "nickname", "maxlength": rules.LONGEST_NAME}


class PeopleForm(FlaskForm):  # type: ignore[misc]
    """A form that can also show why a verb said no."""

    def refuse(self, refusal: Refused) -> None:
        """Put a refusal beside the field it names, or above the form when it names none."""
        field = self._fields.get(refusal.field or "")
        if field is None:
            self.form_errors.append(say(refusal))
        else:
            field.errors = [*field.errors, say(refusal)]


@dataclass(frozen=True, slots=True)
class PasswordSignIn:
    """An e-mail address in its one spelling and a password as typed."""

    email: str
    password: str


@dataclass(frozen=True, slots=True)
class CodeSignIn:
    """A phone's eleven digits and a code as typed."""

    phone: str
    code: str


@dataclass(frozen=True, slots=True)
class SignUp:
    """What a new account is made of."""

    email: str
    code: str
    password: str
    display_name: str


@dataclass(frozen=True, slots=True)
class NewPassword:
    """An address, the code sent to it, and the password to come."""

    email: str
    code: str
    password: str


class PhoneForm(PeopleForm):
    """Asks where the code shall go."""

    phone = TelField(
        _l("Mobile number"),
        [needed(_l("Write the 11 digits of a mainland mobile number")), by(rules.normal_phone)],
        render_kw=PHONE_HELP,
    )
    next = HiddenField()

    def read(self) -> str:
        """Give the phone's eleven digits."""
        return rules.normal_phone(self.phone.data or "")


class CodeForm(PeopleForm):
    """The code that came to the phone."""

    phone = HiddenField(validators=[by(rules.normal_phone)])
    code = StringField(
        _l("One-time code"),
        [needed(_l("Write the six digits that we sent"))],
        render_kw=CODE_HELP,
    )
    next = HiddenField()

    def read(self) -> CodeSignIn:
        """Give the phone and the code."""
        return CodeSignIn(rules.normal_phone(self.phone.data or ""), self.code.data or "")


class PasswordForm(PeopleForm):
    """E-mail address and password."""

    email = EmailField(
        _l("E-mail address"),
        [needed(_l("Write your e-mail address")), by(rules.normal_email)],
        render_kw=EMAIL_HELP | {"autocomplete": "username"},
    )
    password = PasswordField(
        _l("Password"),
        [needed(_l("Write your password")), Length(max=1000)],
        render_kw=OLD_HELP,
    )
    next = HiddenField()

    def read(self) -> PasswordSignIn:
        """Give the address and the password."""
        return PasswordSignIn(rules.normal_email(self.email.data or ""), self.password.data or "")


class AddressForm(PeopleForm):
    """An e-mail address to which a code shall go."""

    email = EmailField(
        _l("E-mail address"),
        [needed(_l("Write your e-mail address")), by(rules.normal_email)],
        render_kw=EMAIL_HELP,
    )
    next = HiddenField()

    def read(self) -> str:
        """Give the address in its one spelling."""
        return rules.normal_email(self.email.data or "")


class SignUpForm(PeopleForm):
    """The code that came by mail, and what the account shall be."""

    email = HiddenField(validators=[by(rules.normal_email)])
    code = StringField(
        _l("One-time code"), [needed(_l("Write the six digits that we sent"))], render_kw=CODE_HELP
    )
    password = PasswordField(_l("Password"), [needed(_l("Choose a password"))], render_kw=NEW_HELP)
    display_name = StringField(
        _l("What shall we call you?"), [by(rules.normal_name)], render_kw=NAME_HELP
    )
    next = HiddenField()

    def validate_password(self, field: Field) -> None:
        """Hold the password against its rules."""
        password_check(self.email.data, field)

    def read(self) -> SignUp:
        """Give what the account is made of."""
        return SignUp(
            rules.normal_email(self.email.data or ""),
            self.code.data or "",
            self.password.data or "",
            rules.normal_name(self.display_name.data or ""),
        )


class ResetForm(PeopleForm):
    """The code that came by mail, and the password to come."""

    email = HiddenField(validators=[by(rules.normal_email)])
    code = StringField(
        _l("One-time code"), [needed(_l("Write the six digits that we sent"))], render_kw=CODE_HELP
    )
    password = PasswordField(
        _l("New password"), [needed(_l("Choose a password"))], render_kw=NEW_HELP
    )

    def validate_password(self, field: Field) -> None:
        """Hold the password against its rules."""
        password_check(self.email.data, field)

    def read(self) -> NewPassword:
        """Give the address, the code and the password."""
        return NewPassword(
            rules.normal_email(self.email.data or ""),
            self.code.data or "",
            self.password.data or "",
        )


class ChangeForm(PeopleForm):
    """The old password and the new one."""

    old = PasswordField(
        _l("Password until now"),
        [needed(_l("Write your password")), Length(max=1000)],
        render_kw=OLD_HELP,
    )
    password = PasswordField(
        _l("New password"), [needed(_l("Choose a password"))], render_kw=NEW_HELP
    )

    def validate_password(self, field: Field) -> None:
        """Hold the password against its rules."""
        password_check(None, field)


class ProfileForm(PeopleForm):
    """What the owner of an account may change at will."""

    display_name = StringField(
        _l("What shall we call you?"), [by(rules.normal_name)], render_kw=NAME_HELP
    )
    language = RadioField(
        _l("Language of pages and letters"),
        choices=[SelectChoice("zh", "中文"), SelectChoice("en", "English")],
    )


class TokenForm(PeopleForm):
    """A name for a token, so that its owner knows it again."""

    label = StringField(
        _l("What is it for?"),
        [
            needed(_l("Give the token a name, so that you know it again")),
            by(rules.normal_name),
        ],
        render_kw={"autocomplete": "off", "maxlength": rules.LONGEST_NAME},
    )


class CloseForm(PeopleForm):
    """Asks whether one is sure."""

    sure = BooleanField(
        _l("I understand that this can't be undone"),
        [needed(_l("Tick the box if you are sure"))],
    )


def password_check(email: str | None, field: Field) -> None:
    """Raise ValidationError with what is wrong with a new password."""
    try:
        rules.check_password_rules(field.data or "", email=(email or "").strip().lower() or None)
    except Refused as refusal:
        raise ValidationError(say(refusal)) from refusal
