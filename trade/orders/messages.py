"""What orders tell the rest of the house, after the fact. Ids only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """Somebody promised to pay; goods are reserved."""

    order_id: str


@dataclass(frozen=True, slots=True)
class OrderPaid:
    """An order is paid: `business_date` is ISO, `outlet_id` the outlet's place."""

    order_id: str
    outlet_id: int
    business_date: str


@dataclass(frozen=True, slots=True)
class OrderEnded:
    """An order is over: `state` is completed, cancelled or refunded."""

    order_id: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParcelShipped:
    """A supplier has sent one parcel."""

    sub_order_id: str


@dataclass(frozen=True, slots=True)
class ParcelReceived:
    """A parcel has arrived: the buyer said so, or ten days went by."""

    sub_order_id: str


@dataclass(frozen=True, slots=True)
class RefundDue:
    """Money is to be given back."""

    refund_id: str


@dataclass(frozen=True, slots=True)
class RefundSettled:
    """A refund has arrived or failed: `state` is succeeded or failed."""

    refund_id: str
    state: str
