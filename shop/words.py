"""Words that stand for codes on the storefront's pages, in English for translation."""

from typing import Final

from flask_babel import lazy_gettext as _l

MOST_STEPS: Final = 4

TIERS: Final = {
    "city_hall": _l("City hall"),
    "county_hall": _l("County hall"),
    "zone": _l("Zone"),
    "counter": _l("Counter"),
}

RETURNS: Final = {
    "R7": _l(
        "Within seven days after the day of receipt, if the goods are intact; "
        "the buyer pays the return freight."
    ),
    "R7_UNOPENED": _l(
        "Returnable within seven days while sealed. Once opened only for faults; "
        "the buyer confirms this with each order."
    ),
    "FRESH_GUARANTEE": _l(
        "Perishable goods have no seven-day return. Tell us with a photo within 48 hours of "
        "receipt and damage is paid for."
    ),
    "MADE_TO_ORDER": _l("Made to your size; returnable only for faults."),
    "B2B_CONTRACT": _l("Wholesale and group purchases follow the contract."),
    "VOUCHER": _l("An unused voucher can be refunded at any time."),
}
"""What a return policy means, by its code; a policy without words here is shown by its name."""

TAB_WORDS: Final = {
    "all": _l("All"),
    "pending_payment": _l("To pay"),
    "awaiting_shipment": _l("To be sent"),
    "shipped": _l("To receive"),
    "received": _l("Completed"),
    "refunds": _l("Refunds"),
}

ORDER_STATES: Final = {
    "pending_payment": _l("Waits for your payment"),
    "paid": _l("Paid"),
    "completed": _l("Completed"),
    "cancelled": _l("Called off"),
    "refunded": _l("Given back"),
}

PARCEL_STATES: Final = {
    "pending_payment": _l("Waits for your payment"),
    "awaiting_shipment": _l("The supplier is packing it"),
    "shipped": _l("On its way"),
    "received": _l("Has arrived"),
    "cancelled": _l("Called off"),
    "refunded": _l("Given back"),
}
