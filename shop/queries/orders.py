"""Finding one's own order by the number it is spoken of."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from parties.people.permissions import Actor
from trade.orders.models import Order
from trade.orders.queries.buyers import OrderView, order_view


def order_id_of(session: Session, number: str, *, actor: Actor) -> UUID:
    """Give the id of the actor's own order; raise NotFound for anybody else's."""
    found = session.scalar(
        select(Order.id).where(Order.number == number, Order.account_id == actor.id)
    )
    if found is None:
        raise NotFound("There is no such order")
    return found


def own_order(session: Session, number: str, *, actor: Actor) -> OrderView:
    """Give the actor's own order by its number; raise NotFound."""
    return order_view(session, order_id_of(session, number, actor=actor), actor=actor)
