"""What orders refuse."""

from foundation.errors import Named, Refused
from goods.stock.errors import SoldOut


class NotForSale(Refused):
    """The product is not offered here, or not any more."""

    code = "not_for_sale"


class ByEnquiry(Refused):
    """The product is made to measure; its maker is asked first."""

    code = "by_enquiry"


class TooFewLeft(SoldOut):
    """A product has fewer packs left than were asked for; says which and how many."""

    def __init__(self, *, product: Named, sku_id: int, available: int) -> None:
        text = (
            "%(product)s: only %(available)s left"
            if available
            else "%(product)s has just been sold out"
        )
        Refused.__init__(self, text, product=product, available=available)
        self.sku_id = sku_id
        self.available = available


class PriceChanged(Refused):
    """The price or the freight is not what the buyer was shown."""

    code = "price_changed"


class ConsentMissing(Refused):
    """The buyer has not confirmed what must be confirmed for this purchase."""

    code = "consent_missing"


class WrongDelivery(Refused):
    """The goods can't be sent there, or can't be sent that way."""

    code = "wrong_delivery"


class OrderClosed(Refused):
    """The order's state does not allow this any more."""

    code = "order_closed"


class ParcelBlocked(Refused):
    """A reserved lot may not leave and no other lot can stand in."""

    code = "parcel_blocked"


class WrongUnit(Refused):
    """A scanned unit does not belong into this parcel."""

    code = "wrong_unit"


class NothingToRefund(Refused):
    """More is asked back than was paid, or nothing was paid."""

    code = "nothing_to_refund"
