"""The form of a paper that is put on file."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext
from wtforms import FileField, SelectField, StringField

from cooperatives.forms.base import (
    DateField,
    DeskForm,
    Needed,
    Wrong,
    choices_of,
    read_day,
    take,
    text_of,
)
from foundation.errors import BadInput, Refused
from goods.catalogue.services import PAPER_ON_FILE, NewPaper


def kind_words() -> dict[str, str]:
    """Name the kinds of papers."""
    return {
        "food_licence": gettext("Food production licence"),
        "business_licence": gettext("Business licence"),
        "test_report": gettext("Test report"),
        "conformity_certificate": gettext("Conformity certificate"),
        "quarantine_certificate": gettext("Animal quarantine certificate"),
        "meat_inspection_certificate": gettext("Meat inspection certificate"),
    }


def paper_form(products: Sequence[tuple[int, str]]) -> Any:
    """Build the form: `products` are (id, name) of what the paper may be of."""
    words = kind_words()
    named = [(kind, words[kind]) for kind in PAPER_ON_FILE]
    fields = {
        "kind": SelectField(
            gettext("What paper is it?"),
            choices=choices_of([("", gettext("Please choose")), *named]),
            validate_choice=False,
            validators=[Needed()],
        ),
        "number": StringField(
            gettext("Number of the paper"), validators=[Needed()], render_kw={"maxlength": 40}
        ),
        "issuer": StringField(
            gettext("Issued by"), validators=[Needed()], render_kw={"maxlength": 80}
        ),
        "issued_on": DateField(gettext("Issued on"), validators=[Needed()]),
        "valid_to": DateField(gettext("Valid to")),
        "product_id": SelectField(
            gettext("For which product"),
            choices=choices_of([("", gettext("The whole organisation")), *products]),
            validate_choice=False,
        ),
        "file": FileField(
            gettext("The paper itself"), render_kw={"accept": ".pdf,.jpg,.jpeg,.png"}
        ),
    }
    return type("PaperForm", (DeskForm,), fields)()


def read_new_paper(raw: Mapping[str, Any], organisation_id: int, file_key: str | None) -> NewPaper:
    """Read a paper; raise Wrong naming every fault."""
    faults: dict[str, Refused] = {}
    for name, longest in (("kind", 30), ("number", 40), ("issuer", 80)):
        text = text_of(raw, name)
        if not text:
            faults[name] = BadInput("Please fill in this field")
        elif len(text) > longest:
            faults[name] = BadInput("Please keep this under %(most)s characters", most=longest)
    issued = take(faults, "issued_on", lambda: read_day(text_of(raw, "issued_on"), "issued_on"))
    valid_to = take(
        faults, "valid_to", lambda: read_day(text_of(raw, "valid_to"), "valid_to", needed=False)
    )
    product = text_of(raw, "product_id")
    if product and not (product.isdecimal() and len(product) < 19):  # noqa: PLR2004 -- a 64-bit key
        faults["product_id"] = BadInput("Please choose one of the list")
    if faults:
        raise Wrong(faults)
    return NewPaper(
        organisation_id,
        text_of(raw, "kind"),
        text_of(raw, "number"),
        text_of(raw, "issuer"),
        issued,
        valid_to,
        int(product) if product else None,
        file_key,
    )
