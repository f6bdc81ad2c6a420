"""What an order may be, what freight costs, what an address is, and what a pick list shows."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID

from foundation.errors import BadInput
from trade.orders.errors import WrongDelivery

PAY_WITHIN: Final = timedelta(minutes=30)
"""How long goods are held for a buyer who has not paid."""
PAGE_CLOSES: Final = timedelta(minutes=35)
"""After the order's own deadline the provider's page closes by itself: providers want half an
hour at least, also from a buyer who comes at the last minute."""
GIVE_UP: Final = timedelta(minutes=40)
"""So long after its deadline an order is closed even if the provider can't be asked."""
CONFIRM_AFTER: Final = timedelta(days=10)
MOST_QUANTITY: Final = 200
MOST_PIECES: Final = 500
"""Of one parcel: each serialised piece becomes a line of its sale."""
MOST_CART_LINES: Final = 60
MOST_ADDRESSES: Final = 20
MOST_NOTE: Final = 200

Delivery = Literal["courier", "pickup"]
Method = Literal["courier", "cold_chain", "pickup"]
Problem = Literal["unpublished", "by_enquiry", "sold_out", "few_left", "price_up", "price_down"]


# --- addresses ---


@dataclass(frozen=True, slots=True)
class Provinces:
    """Which places there are to send to: names of cities and districts by province name."""

    codes: Mapping[str, str]
    """Two-digit code by name."""
    districts: Mapping[tuple[str, str], frozenset[str]]
    """Names of districts by (province, city)."""


def read_provinces(rows: Iterable[Mapping[str, Any]]) -> Provinces:
    """Make `Provinces` of what stands in data/places/provinces.json."""
    codes: dict[str, str] = {}
    districts: dict[tuple[str, str], frozenset[str]] = {}
    for row in rows:
        codes[row["name_zh"]] = row["code"]
        for city in row["cities"]:
            key = (row["name_zh"], city["name"])
            districts[key] = frozenset(name for _, name in city["counties"])
    return Provinces(codes, districts)


@dataclass(frozen=True, slots=True)
class Destination:
    """Who receives, and where. Personal data. A pick-up has no place of its own."""

    recipient: str
    phone: str
    province: str = ""
    city: str = ""
    district: str = ""
    detail: str = ""


def plain(text: str, most: int, field: str) -> str:
    """Give one line of text without control characters; BadInput when empty or too long."""
    folded = unicodedata.normalize("NFC", text)
    kept = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in folded)
    line = " ".join(kept.split())
    if not line:
        raise BadInput("Please fill in this field", field=field)
    if len(line) > most:
        raise BadInput("Please keep this under %(most)s characters", field=field, most=most)
    return line


def read_phone(text: str, field: str = "phone") -> str:
    """Give a number a courier can call: mobile, landline with area code, or 400 number.

    Raises BadInput.
    """
    digits = re.sub(r"[\s\-()（）·–—]+", "", unicodedata.normalize("NFKC", text))
    digits = re.sub(r"^(?:\+86|0086)", "", digits)
    if re.fullmatch(r"1[3-9]\d{9}|0[1-9]\d{8,10}|400\d{7}", digits, re.ASCII) is None:
        raise BadInput("Write a mobile number, or a landline with its area code", field=field)
    return digits


def read_contact(wanted: Destination) -> Destination:
    """Check the person who picks up; the place is dropped. Raises BadInput naming the field."""
    recipient = plain(wanted.recipient, 40, "recipient")
    return Destination(recipient, read_phone(wanted.phone))


def read_destination(wanted: Destination, provinces: Provinces) -> Destination:
    """Check an address and give it in one spelling. Raises BadInput naming the field."""
    contact = read_contact(wanted)
    province, city, district = wanted.province, wanted.city, wanted.district
    if province not in provinces.codes:
        raise BadInput("Choose a province from the list", field="province")
    if (province, city) not in provinces.districts:
        raise BadInput("Choose a city from the list", field="city")
    if district not in provinces.districts[province, city]:
        raise BadInput("Choose a district from the list", field="district")
    detail = plain(wanted.detail, 120, "detail")
    return Destination(contact.recipient, contact.phone, province, city, district, detail)


# --- freight ---


@dataclass(frozen=True, slots=True)
class Freight:
    """What one parcel costs, in fen; `free_from` None is never free."""

    fee: Mapping[str, int]
    free_from: Mapping[str, int | None]
    storage: Mapping[str, frozenset[str]]
    """Which storage classes a method carries."""
    surcharge: Mapping[str, int]
    """By two-digit province code."""
    no_cold_chain: frozenset[str]
    carriers: tuple[tuple[str, str, str], ...]
    """Code, Chinese name, English name."""


def read_freight(row: Mapping[str, Any]) -> Freight:
    """Make `Freight` of what stands in a region's shipping.json."""
    methods = {method["code"]: method for method in row["methods"]}
    return Freight(
        fee={code: int(method["fee_fen"]) for code, method in methods.items()},
        free_from={code: method["free_from_fen"] for code, method in methods.items()},
        storage={code: frozenset(method["storage_classes"]) for code, method in methods.items()},
        surcharge={s["province"]: int(s["surcharge_fen"]) for s in row["surcharges"]},
        no_cold_chain=frozenset(row.get("no_cold_chain_to") or ()),
        carriers=tuple((c["code"], c["name_zh"], c["name_en"]) for c in row.get("carriers") or ()),
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """What an installation charges for freight, and where it sends."""

    freight: Freight
    provinces: Provinces


def method_for(delivery: Delivery, storage_classes: Iterable[str], freight: Freight) -> Method:
    """Tell how a parcel travels: one chilled jar makes the whole parcel a cold one."""
    if delivery == "pickup":
        return "pickup"
    ambient = freight.storage["courier"]
    return "courier" if all(kind in ambient for kind in storage_classes) else "cold_chain"


def freight_of(method: Method, goods_fen: int, province_code: str | None, freight: Freight) -> int:
    """Give a parcel's freight in fen. Raises WrongDelivery where the cold chain does not reach.

    Without a province (no address yet) no surcharge is counted.
    """
    if method == "pickup":
        return freight.fee["pickup"]
    if method == "cold_chain" and province_code in freight.no_cold_chain:
        raise WrongDelivery("The cold chain does not reach this province yet", field="province")
    free_from = freight.free_from[method]
    fee = 0 if free_from is not None and goods_fen >= free_from else freight.fee[method]
    return fee + freight.surcharge.get(province_code or "", 0)


# --- consents ---


@dataclass(frozen=True, slots=True)
class Consent:
    """Something the buyer must confirm for this purchase; its code names whom or what it covers.

    `receivers`: the suppliers who get name, phone and address to send the parcel, each named.
    `returns`: the products whose right of return narrows once they are opened.
    `abroad`: the payment provider abroad that handles the payment.
    """

    kind: Literal["receivers", "returns", "abroad"]
    ids: tuple[int, ...] = ()
    provider: str = ""

    @property
    def code(self) -> str:
        """Give what the form sends back, such as `receivers:3,8`."""
        return f"{self.kind}:{self.provider or ','.join(str(one) for one in self.ids)}"


def consents_needed(
    supplier_ids: Iterable[int], confirm_product_ids: Iterable[int], provider: str
) -> tuple[Consent, ...]:
    """Give what must be confirmed, in the order in which a page asks it."""
    confirm = tuple(sorted(set(confirm_product_ids)))
    found = [Consent("receivers", tuple(sorted(set(supplier_ids))))]
    if confirm:
        found.append(Consent("returns", confirm))
    found.append(Consent("abroad", provider=provider))
    return tuple(found)


# --- what pick lists show ---

_NUMBER: Final = r"[0-9０-９A-Za-z一二三四五六七八九十百零]+"
_FIRST_NUMBER: Final = re.compile(
    rf"[0-9０-９]|{_NUMBER}(?=号|栋|幢|座|楼|单元|室|层|房|户|弄|排|院)"
)


def masked_name(name: str) -> str:
    """Hide all of a name but its first character."""
    return name[:1] + "*" * max(1, min(len(name) - 1, 3))


def masked_phone(phone: str) -> str:
    """Hide at least six digits of a number (express waybill standard, in force 2023-02-01)."""
    keep_end = max(0, min(2, len(phone) - 9))
    hidden = len(phone) - 3 - keep_end
    return phone[:3] + "*" * hidden + (phone[-keep_end:] if keep_end else "")


def masked_detail(detail: str) -> str:
    """Hide an address from its first house, building or room number on."""
    found = _FIRST_NUMBER.search(detail)
    return detail if found is None else detail[: found.start()] + "***"


# --- quantities ---


def owner_of(order_id: UUID) -> str:
    """Give the name under which the stock room keeps an order's reservations."""
    return f"order:{order_id}"


def check_quantity(quantity: int, *, field: str = "quantity") -> int:
    """Give a quantity a basket line may have, or raise BadInput."""
    if not 1 <= quantity <= MOST_QUANTITY:
        raise BadInput("Between 1 and %(most)s, please", field=field, most=MOST_QUANTITY)
    return quantity


def check_pieces(quantities: Sequence[int]) -> None:
    """Raise BadInput when one parcel would hold more than a sale can list."""
    if sum(quantities) > MOST_PIECES:
        raise BadInput(
            "One supplier sends at most %(most)s pieces in a parcel; please place two orders",
            field="lines",
            most=MOST_PIECES,
        )


def problems_of(
    *, for_sale: bool, by_enquiry: bool, free: int, quantity: int, seen_fen: int, price_fen: int
) -> tuple[Problem, ...]:
    """Tell what a buyer must know of a basket line before going on, the gravest first."""
    if not for_sale:
        return ("unpublished",)
    if by_enquiry:
        return ("by_enquiry",)
    found: list[Problem] = []
    if free < quantity:
        found.append("few_left" if free else "sold_out")
    if price_fen != seen_fen:
        found.append("price_up" if price_fen > seen_fen else "price_down")
    return tuple(found)
