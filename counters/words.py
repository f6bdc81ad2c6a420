"""What the till says: title, state, reason and next step of every answer, in both languages."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l

from counters.rules import Kind, Reason
from foundation.errors import Refused
from foundation.money import yuan

TITLES: Final = {
    Kind.GO: _l("Sell"),
    Kind.SLOW: _l("Expires soon"),
    Kind.STOP: _l("Do not sell"),
    Kind.ASK: _l("Other code"),
}
SPECIAL_TITLES: Final = {
    Reason.CHOOSE_LOT: _l("Which lot"),
    Reason.NOT_IN_BOOKS: _l("Not booked"),
}
SAYINGS: Final = {
    Reason.OK: "",
    Reason.NEAR_EXPIRY: _l("You may sell it; tell the customer first."),
    Reason.UNKNOWN_ITEM: _l("Nobody has recorded a pack with this code."),
    Reason.UNKNOWN_LOT: _l("Nobody has recorded this lot."),
    Reason.LABEL_MISMATCH: _l("The lot on this label is not the lot of this pack."),
    Reason.ALREADY_SOLD: _l("This pack has already been sold."),
    Reason.RECALLED: _l("This lot is recalled."),
    Reason.ON_HOLD: _l("This lot is being inspected."),
    Reason.EXPIRED: _l("It is past its best-before date."),
    Reason.CASE_CLOSED: _l("Its case has not been received here yet."),
    Reason.ELSEWHERE: _l("The books have this pack at another place."),
    Reason.NOT_SENT: _l("The supplier has not sent this pack yet."),
    Reason.GONE: _l("This pack was used up or destroyed."),
    Reason.WITHDRAWN: _l("This number was withdrawn; its label belongs on no pack."),
    Reason.WHOLESALE_ONLY: _l("These goods are sold wholesale only."),
    Reason.OUTLET_CLOSED: _l("This outlet is not open."),
    Reason.CASE_CODE: _l("This is the code of a whole case."),
    Reason.IN_STORE: _l("This is the shop's own code, printed by its scales or registers."),
    Reason.UNREADABLE: _l("This is no code of goods."),
    Reason.SCAN_ITEM: _l("Every pack of these goods has its own code."),
    Reason.CHOOSE_LOT: _l("There are several lots here. Which one is printed on the pack?"),
    Reason.NOT_IN_BOOKS: _l("The books say that there is none of it here."),
}
NEXT: Final = {
    Reason.UNKNOWN_ITEM: _l("Put it aside and tell the manager."),
    Reason.UNKNOWN_LOT: _l("Put it aside and tell the manager."),
    Reason.LABEL_MISMATCH: _l("Put it aside; the label may be a copy."),
    Reason.ALREADY_SOLD: _l("Keep it and tell the manager; one of the two labels is a copy."),
    Reason.RECALLED: _l("Take the whole lot off the shelf."),
    Reason.ON_HOLD: _l("Put it aside until the inspection ends."),
    Reason.EXPIRED: _l("Take it off the shelf."),
    Reason.CASE_CLOSED: _l("Receive the case first."),
    Reason.ELSEWHERE: _l("Put it aside and tell the manager."),
    Reason.NOT_SENT: _l("Put it aside and ask the supplier."),
    Reason.GONE: _l("Put it aside and tell the manager."),
    Reason.WITHDRAWN: _l("Put it aside and tell the supplier; the pack needs a new label."),
    Reason.WHOLESALE_ONLY: _l("Take it off the shelf."),
    Reason.OUTLET_CLOSED: _l("Sales begin again when it is open."),
    Reason.CASE_CODE: _l("Open the case and scan the packs one by one."),
    Reason.IN_STORE: _l("Scan the product's own code on the pack."),
    Reason.UNREADABLE: _l("Scan it again, or type the digits below the bars."),
    Reason.SCAN_ITEM: _l("Scan the square code on the label."),
    Reason.NOT_IN_BOOKS: _l(
        "If you hold it in your hand, sell it; the difference is recorded for a recount."
    ),
}
TENDER_WORDS: Final = {
    "cash": _l("Cash"),
    "shop_qr": _l("Shop's payment code"),
    "voucher": _l("Paper voucher"),
    "stripe": _l("Paid online"),
}
CERTAINTY_WORDS: Final = {
    "scanned": _l("lot scanned"),
    "chosen": _l("lot chosen by the clerk"),
    "inferred": _l("lot inferred: first to expire"),
}

ACTS: Final = {
    "quarantined": _l("Set apart"),
    "returned": _l("Sent back to the supplier"),
    "destroyed": _l("Destroyed"),
    "taken_back": _l("Taken back from a buyer"),
}

SCRIPT: Final = {
    "list_fresh": _l("Recall list checked at %(time)s"),
    "list_old": _l("Recall list of %(time)s, %(minutes)s minutes old"),
    "list_none": _l("No recall list on this device yet"),
    "recalled_title": _l("Do not sell"),
    "recalled_say": _l("This is recalled: %(reason)s"),
    "recalled_next": _l("Take it off the shelf. There is no network; this comes from the list."),
    "twice_title": _l("Scanned before"),
    "twice_say": _l("This pack is on this sale already."),
    "twice_next": _l("Scan the next one."),
    "offline_title": _l("No network"),
    "offline_say": _l("This code could not be looked up."),
    "offline_next": _l("Scan it again when the network is back."),
    "broken_title": _l("No answer"),
    "broken_say": _l("The server could not answer."),
    "signed_out": _l("You have been signed out. Sign in again; the basket stays on this device."),
    "sold_title": _l("Sale done"),
    "sold_line": _l("%(total)s received, receipt %(number)s"),
    "sold_change": _l("change %(change)s"),
    "sold_next": _l("The next customer, please."),
    "print": _l("Print the receipt"),
    "items": _l("This sale, %(count)s items"),
    "empty": _l("This sale"),
    "one": _l("one pack"),
    "serial": _l("No. %(serial)s"),
    "short": _l("the books have only %(free)s"),
    "remove": _l("Remove %(name)s"),
    "amount": _l("How many of %(name)s"),
    "settle": _l("Record the sale"),
    "settle_change": _l("Record the sale, change %(change)s"),
    "add_tender": _l("Add this, %(left)s to go"),
    "change": _l("Change due"),
    "too_little": _l("%(left)s missing"),
    "too_much": _l("More than is owed; only cash gives change."),
    "no_reference": _l("A voucher needs its number"),
    "no_amount": _l("Type an amount like 50 or 19.80"),
    "cash": _l("Cash"),
    "shop_qr": _l("Shop's payment code"),
    "voucher": _l("Paper voucher"),
    "drop": _l("Remove %(name)s"),
    "unsent": _l(
        "This sale has not reached the server yet. It is kept on this device; "
        "send it again, it will not be counted twice."
    ),
    "refused": _l("Not sold: the items marked below may not be sold."),
    "camera_denied": _l(
        "The camera is not allowed. Tap the lock beside the address, allow the camera, "
        "and open this again. Meanwhile type the digits."
    ),
    "camera_busy": _l("Another program is using the camera. Close it and open this again."),
    "no_camera": _l("This device has no camera. Use the scanner or type the digits."),
    "camera_lost": _l("The camera was unplugged. Open this again."),
    "insecure_context": _l("The camera works only over https. Use the scanner or type the digits."),
    "camera_unsupported": _l("This browser gives no camera. Use the scanner or type the digits."),
    "reader_unavailable": _l(
        "The reader could not be loaded. Check the network and open this again."
    ),
}
"""What the till's scripts say by themselves, with parameters that they fill in."""


def script_words() -> dict[str, str]:
    """Give the scripts' sentences in the reader's language."""
    return {name: str(sentence) for name, sentence in SCRIPT.items()}


@dataclass(frozen=True, slots=True)
class Choice:
    """One lot to choose, or one way on; `item` goes into the basket when it may."""

    label: str
    note: str = ""
    item: dict[str, Any] | None = None
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the till shows for one scan."""

    answer: str
    """go, slow, stop or ask."""
    reason: str
    title: str
    say: str
    about: tuple[str, ...]
    next: str
    item: dict[str, Any] | None = None
    """What may go into the basket: at once (go) or after a press on `choices`."""
    choices: tuple[Choice, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give it as programs read it."""
        return asdict(self)


def title_of(kind: Kind, reason: Reason) -> str:
    """Give the three characters."""
    return str(SPECIAL_TITLES.get(reason, TITLES[kind]))


def english() -> bool:
    """Tell whether this request speaks English."""
    locale = get_locale()
    return locale is not None and locale.language == "en"


def named(row: Any, name: str = "name") -> str:
    """Give `name_zh` or `name_en` of a row, in the reader's language."""
    first, second = ("en", "zh") if english() else ("zh", "en")
    return str(getattr(row, f"{name}_{first}") or getattr(row, f"{name}_{second}"))


def priced(fen: int) -> str:
    """Write fen as a price."""
    return f"¥{yuan(fen)}"


def until(day: date | None) -> str:
    """Say how long goods are good."""
    if day is None:
        return str(gettext("no best-before date"))
    return str(gettext("best before %(day)s", day=day.isoformat()))


def say(refusal: Refused) -> str:
    """Give a refusal's sentence in the reader's language, filled in."""
    text: str = gettext(refusal.text)
    return text % refusal.params if refusal.params else text
