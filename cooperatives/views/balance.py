"""What came into a lot of one's own, and where it went."""

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from cooperatives.door import blueprint, own, show
from cooperatives.queries.lots import desk_lot
from foundation.web import reading
from goods.stock.models import Lot
from parties.people.guards import requires
from parties.people.permissions import Can
from traceability.balance.picture import picture_of
from traceability.balance.queries import lot_balance


@blueprint.get("/lots/<int:lot_id>/balance")
@requires(Can.SEE_SUPPLIER_DESK)
def lot_flow(lot_id: int) -> ResponseReturnValue:
    """Show a lot's mass balance."""
    with reading() as session:
        found = desk_lot(session, own(), lot_id)
        balance = lot_balance(session, lot_id)
        others = {stream.lot.id for stream in (*balance.inflows, *balance.outflows) if stream.lot}
        mine = session.scalars(
            select(Lot.id).where(Lot.id.in_(others), Lot.organisation_id.in_(own()))
        )
        return show(
            session,
            "lot_flow.html",
            section="lots",
            found=found,
            balance=balance,
            picture=picture_of(balance),
            links={one: url_for("cooperatives.lot_flow", lot_id=one) for one in mine},
        )
