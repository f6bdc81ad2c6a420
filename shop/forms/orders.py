"""Forms of addresses and of the checkout; out of them come frozen dataclasses."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # SelectChoice is newer than the stubs
    BooleanField,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
)

from foundation.errors import Refused
from shop.forms.basket import read_count
from shop.queries.network import OutletRow
from shop.spoken import language, sentence
from trade.orders.models import Address
from trade.orders.rules import MOST_NOTE, Delivery, Destination, Provinces

NEW: Final = "new"
CHOOSE: Final = _l("Choose")


class AddressForm(FlaskForm):  # type: ignore[misc]
    """Who receives, and where."""

    recipient = StringField(
        _l("Recipient"),
        render_kw={"autocomplete": "name", "maxlength": 40},
    )
    phone = TelField(
        _l("Phone"),
        render_kw={"autocomplete": "tel", "inputmode": "tel", "maxlength": 24},
    )
    province = SelectField(_l("Province"), validate_choice=False)
    city = SelectField(_l("City"), validate_choice=False)
    district = SelectField(_l("District or county"), validate_choice=False)
    detail = StringField(
        _l("Street and number"), render_kw={"autocomplete": "street-address", "maxlength": 120}
    )

    def fill(self, provinces: Provinces) -> None:
        """Offer the places that can be chosen after what is chosen already."""
        self.province.choices = _choices(provinces.codes)
        chosen = self.province.data or ""
        cities = [city for province, city in provinces.districts if province == chosen]
        self.city.choices = _choices(cities)
        self.district.choices = _choices(
            sorted(provinces.districts.get((chosen, self.city.data or ""), ()))
        )

    def read(self) -> Destination:
        """Give the address as typed; the verb checks it."""
        return Destination(
            self.recipient.data or "",
            self.phone.data or "",
            self.province.data or "",
            self.city.data or "",
            self.district.data or "",
            self.detail.data or "",
        )

    def show(self, address: Address) -> None:
        """Put a kept address into the fields."""
        for name in ("recipient", "phone", "province", "city", "district", "detail"):
            self[name].data = getattr(address, name)

    def refuse(self, refusal: Refused) -> None:
        """Put a refusal beside the field it names, or above the form when it names none here."""
        field = self._fields.get(refusal.field or "")
        if field is None or isinstance(field, HiddenField):
            self.form_errors.append(sentence(refusal))
        else:
            field.errors = [*field.errors, sentence(refusal)]


def _choices(names: Iterable[str]) -> list[Any]:
    return [SelectChoice("", CHOOSE), *(SelectChoice(name, name) for name in names)]


class CheckoutForm(AddressForm):
    """Everything a checkout asks for, besides what it confirms."""

    key = HiddenField()
    sku = HiddenField()
    n = HiddenField()
    delivery = RadioField(
        _l("Delivery"),
        choices=[SelectChoice("courier", _l("Send it")), SelectChoice("pickup", _l("Pick it up"))],
        default="courier",
        validate_choice=False,
    )
    outlet_id = SelectField(_l("Where you pick up"), validate_choice=False)
    address = RadioField(_l("Address"), validate_choice=False)
    keep = BooleanField(_l("Keep this address for next time"), default=True)
    note = TextAreaField(
        _l("A word to the supplier"), render_kw={"maxlength": MOST_NOTE, "rows": 2}
    )

    def offer(
        self, addresses: Sequence[Address], pickups: Sequence[OutletRow], provinces: Provinces
    ) -> None:
        """Offer the account's addresses and the places to pick up."""
        self.fill(provinces)
        self.address.choices = [SelectChoice(str(one.id), one.recipient) for one in addresses]
        self.address.choices.append(SelectChoice(NEW, _l("Another address")))
        known = {str(one.id) for one in addresses} | {NEW}
        if self.address.data not in known:
            self.address.data = str(addresses[0].id) if addresses else NEW
        english = language() == "en"
        self.outlet_id.choices = [SelectChoice("", CHOOSE)]
        self.outlet_id.choices += [
            SelectChoice(str(one.place_id), one.name_en if english else one.name_zh)
            for one in pickups
        ]

    @property
    def way(self) -> Delivery:
        """Give the chosen way of delivery; anything unknown is by courier."""
        return "pickup" if self.delivery.data == "pickup" else "courier"

    @property
    def address_id(self) -> int | None:
        """Give the chosen address of the account; None for a new one."""
        chosen = self.address.data or NEW
        return None if chosen == NEW else int(chosen)

    @property
    def pickup_id(self) -> int | None:
        """Give the hall or zone chosen to pick up at."""
        chosen = self.outlet_id.data or ""
        return int(chosen) if chosen.isdecimal() and len(chosen) < 19 else None  # noqa: PLR2004 -- 64 bits

    @property
    def single(self) -> tuple[int, int] | None:
        """Give the pack and quantity of a buy-now; None for the basket."""
        sku = self.sku.data or ""
        if not sku.isdecimal() or len(sku) > 18:  # noqa: PLR2004 -- 64 bits
            return None
        return int(sku), read_count(self.n.data or "1")
