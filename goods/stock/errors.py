"""What the stock room refuses."""

from foundation.errors import Refused


class SoldOut(Refused):
    """There are fewer free to promise or to take than were asked for."""

    code = "sold_out"

    def __init__(self, text: str, *, sku_id: int, available: int) -> None:
        super().__init__(text, available=available)
        self.sku_id = sku_id
        self.available = available


class NotEnough(Refused):
    """A place holds fewer of a lot than a move takes out."""

    code = "not_enough_stock"


class OnHold(Refused):
    """The lot, the unit or the place is blocked from sale."""

    code = "on_hold"


class WrongState(Refused):
    """A unit is not in the state or at the place that the act needs."""

    code = "wrong_state"
