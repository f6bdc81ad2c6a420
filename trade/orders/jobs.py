"""What orders do because something happened elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from foundation.outbox import Payload
from parties.people.models import Account
from trade.orders.models import Address, Cart, CartLine, Order, OrderContact

ENDED = ("completed", "cancelled", "refunded")


def on_account_erased(session: Session, payloads: Sequence[Payload], now: datetime) -> None:  # noqa: ARG001 -- a handler's shape
    """Forget addresses, baskets and the contacts of ended orders of closed accounts.

    The contact of an order still under way stays until it ends; see `on_order_ended`.
    """
    account_ids = [int(payload["account_id"]) for payload in payloads]
    carts = select(Cart.id).where(Cart.account_id.in_(account_ids))
    ended = select(Order.id).where(Order.account_id.in_(account_ids), Order.state.in_(ENDED))
    for statement in (
        delete(CartLine).where(CartLine.cart_id.in_(carts)),
        delete(Cart).where(Cart.account_id.in_(account_ids)),
        delete(Address).where(Address.account_id.in_(account_ids)),
        delete(OrderContact).where(OrderContact.order_id.in_(ended)),
    ):
        session.execute(statement.execution_options(synchronize_session=False))


def on_order_ended(session: Session, payloads: Sequence[Payload], now: datetime) -> None:  # noqa: ARG001 -- a handler's shape
    """Forget the contact of an order that ended after its buyer's account was closed."""
    order_ids = [UUID(payload["order_id"]) for payload in payloads]
    orphaned = (
        select(Order.id)
        .join(Account, Account.id == Order.account_id)
        .where(
            Order.id.in_(order_ids),
            Order.state.in_(ENDED),
            Account.disabled_at.is_not(None),
            Account.email.like("erased-%@erased.invalid"),
        )
    )
    session.execute(
        delete(OrderContact)
        .where(OrderContact.order_id.in_(orphaned))
        .execution_options(synchronize_session=False)
    )
