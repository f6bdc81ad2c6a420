"""Words of codes, in the reader's language."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, lazy_gettext
from sqlalchemy import Row

from admin.figures import local
from foundation.errors import Refused

TIERS = {
    "city_hall": lazy_gettext("City halls"),
    "county_hall": lazy_gettext("County halls"),
    "zone": lazy_gettext("Zones"),
    "counter": lazy_gettext("Aid counters"),
}
STATUSES = {
    "open": lazy_gettext("In business"),
    "planned": lazy_gettext("Being set up"),
    "paused": lazy_gettext("Paused for now"),
    "closed": lazy_gettext("Shut down"),
}
MODES = {"offline": lazy_gettext("On site"), "online": lazy_gettext("On the web")}
CHANNELS = {"counter": lazy_gettext("At counters"), "online": lazy_gettext("Online orders")}
COUNTER_TYPES = {"shelf": lazy_gettext("Shelf counter"), "vending": lazy_gettext("Vending cabinet")}
TENDERS = {
    "cash": lazy_gettext("Cash"),
    "shop_qr": lazy_gettext("The shop's own QR code"),
    "voucher": lazy_gettext("Voucher"),
    "stripe": lazy_gettext("Online payment"),
}
REFUND_STATES = {
    "failed": lazy_gettext("Did not work"),
    "due": lazy_gettext("On its way"),
    "succeeded": lazy_gettext("Given back"),
}
REFUND_REASONS = {
    "cancelled": lazy_gettext("Called off by the buyer"),
    "late": lazy_gettext("Paid after the time was over"),
    "duplicate": lazy_gettext("Paid twice"),
    "mismatch": lazy_gettext("Another amount than asked for"),
    "not_delivered": lazy_gettext("Could not be sent"),
    "damaged": lazy_gettext("Arrived damaged"),
    "recalled": lazy_gettext("Recalled"),
    "goodwill": lazy_gettext("Goodwill"),
}
CERTAINTIES = {
    "scanned": lazy_gettext("scanned"),
    "chosen": lazy_gettext("chosen by the clerk"),
    "inferred": lazy_gettext("inferred"),
}
PRODUCT_STATUSES = {
    "published": lazy_gettext("On sale"),
    "unpublished": lazy_gettext("Taken off"),
    "draft": lazy_gettext("Draft"),
}
LOT_STATES = {
    "on_shelf": lazy_gettext("On shelves"),
    "in_transit": lazy_gettext("In transit now"),
    "near": lazy_gettext("Near expiry on shelves"),
    "expired": lazy_gettext("Expired on shelves"),
    "recalled": lazy_gettext("Recalled"),
    "sold_out": lazy_gettext("Nothing left"),
}
KINDS = {
    "farmers_cooperative": lazy_gettext("Cooperative"),
    "cooperative_union": lazy_gettext("Union of cooperatives"),
    "enterprise": lazy_gettext("Enterprise"),
    "leading_enterprise": lazy_gettext("Leading enterprise"),
    "family_farm": lazy_gettext("Family farm"),
    "supermarket_operator": lazy_gettext("Supermarket operator"),
    "institution": lazy_gettext("Institution"),
    "bureau": lazy_gettext("Bureau"),
}
PLACE_KINDS = {
    "apiary": lazy_gettext("Apiary"),
    "garden": lazy_gettext("Garden"),
    "field": lazy_gettext("Field plot"),
    "farm": lazy_gettext("Farm"),
    "workshop": lazy_gettext("Workshop"),
    "warehouse": lazy_gettext("Warehouse"),
    "outlet": lazy_gettext("Outlet"),
    "transit": lazy_gettext("In transit now"),
}
PAPERS = {
    "test_report": lazy_gettext("Test report"),
    "conformity_certificate": lazy_gettext("Conformity certificate"),
    "quarantine_certificate": lazy_gettext("Quarantine certificate"),
    "meat_inspection_certificate": lazy_gettext("Meat inspection certificate"),
    "food_licence": lazy_gettext("Food production licence"),
    "food_production_licence": lazy_gettext("Food production licence"),
    "business_licence": lazy_gettext("Business licence"),
}
BIZ_STEPS = {
    "commissioning": lazy_gettext("Serials given"),
    "creating_class_instance": lazy_gettext("Came into being"),
    "packing": lazy_gettext("Packed into cases"),
    "unpacking": lazy_gettext("Case unpacked"),
    "shipping": lazy_gettext("Sent off"),
    "receiving": lazy_gettext("Received here"),
    "stocking": lazy_gettext("Put on the shelf"),
    "retail_selling": lazy_gettext("Sold"),
    "holding": lazy_gettext("Called back"),
    "stock_taking": lazy_gettext("Stock corrected"),
    "accepting": lazy_gettext("Taken back by the shop"),
    "destroying": lazy_gettext("Destroyed"),
    "inspecting": lazy_gettext("Inspected"),
    "storing": lazy_gettext("Stored"),
    "picking": lazy_gettext("Picked"),
    "other": lazy_gettext("Noted"),
}
LEVELS = {
    1: lazy_gettext("Level 1: grave harm or death is possible"),
    2: lazy_gettext("Level 2: some harm is possible"),
    3: lazy_gettext("Level 3: a false or missing statement on the label"),
}
LEVEL_NAMES = {
    1: lazy_gettext("level 1"),
    2: lazy_gettext("level 2"),
    3: lazy_gettext("level 3"),
}
SCOPES = {
    "lot": lazy_gettext("A lot and everything made from it"),
    "place": lazy_gettext("A place and what passed through it"),
    "supplier": lazy_gettext("A supplier's goods"),
    "certificate": lazy_gettext("What a certificate vouches for"),
    "item": lazy_gettext("One item"),
}
SCOPE_NAMES = {
    "lot": lazy_gettext("lot"),
    "place": lazy_gettext("place"),
    "supplier": lazy_gettext("supplier"),
    "certificate": lazy_gettext("certificate"),
    "item": lazy_gettext("item"),
}
OUTCOMES = {
    "completed": lazy_gettext("Done: everything is accounted for, the goods stay blocked"),
    "lifted": lazy_gettext("Lifted: it was a mistake, the goods may be sold again"),
}
ACTS = {
    "quarantined": lazy_gettext("Set apart"),
    "returned": lazy_gettext("Sent back to the supplier"),
    "destroyed": lazy_gettext("Destroyed"),
    "taken_back": lazy_gettext("Taken back from a buyer"),
}
ITEM_STATES = {
    "commissioned": lazy_gettext("with the supplier"),
    "in_transit": lazy_gettext("on the way"),
    "on_shelf": lazy_gettext("on shelves"),
    "sold": lazy_gettext("sold"),
    "returned": lazy_gettext("returned"),
    "used": lazy_gettext("used up"),
    "destroyed": lazy_gettext("destroyed"),
}
DISCREPANCIES = {
    "more_out": lazy_gettext("More out than in"),
    "yield_over": lazy_gettext("Yield too high"),
    "yield_low": lazy_gettext("Yield too low"),
    "booked_late": lazy_gettext("Booked in late"),
}
SCAN_GRADES = {
    "alarm": lazy_gettext("Grave"),
    "warn": lazy_gettext("Warning"),
    "info": lazy_gettext("Note"),
}
SCAN_ALARMS = {
    "voided": lazy_gettext("Destroyed, and scanned"),
    "never_made": lazy_gettext("Number never given"),
    "many_devices": lazy_gettext("Many phones after the sale"),
    "scratched_again": lazy_gettext("Scratch code used again"),
    "scratch_guessed": lazy_gettext("Scratch codes guessed"),
    "wrong_lot": lazy_gettext("Code names another lot"),
    "far": lazy_gettext("Far from where it lies"),
    "not_sent": lazy_gettext("Still at the maker's"),
}
PLAN_CLASSES = {
    "demonstration": lazy_gettext("demonstration county"),
    "overall_advance": lazy_gettext("county of overall advance"),
    "key_assistance": lazy_gettext("county of key assistance"),
}
PERIODS = {
    "month": lazy_gettext("This month"),
    "last-month": lazy_gettext("Last month"),
    "30d": lazy_gettext("Last 30 days"),
    "year": lazy_gettext("This year"),
    "12m": lazy_gettext("Last 12 months"),
}


def area(row: Row[Any]) -> str:
    """Name the county of counted scans; some come from elsewhere, of some nobody said where."""
    if row.area is None:
        return str(gettext("Not said"))
    return local(row) if row.name_zh else str(gettext("Elsewhere"))


def word(words: Mapping[str, object], code: str | None) -> str:
    """Give the word of `code`; a code that has no word yet is shown as it is."""
    return "" if code is None else str(words.get(code, code))


def sentence(refusal: Refused) -> str:
    """Give a refusal's sentence in the reader's language."""
    text: str = gettext(refusal.text)
    params = {
        name: sentence(value) if isinstance(value, Refused) else value
        for name, value in refusal.params.items()
    }
    return text % params if params else text
