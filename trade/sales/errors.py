"""What sales refuses."""

from foundation.errors import Refused


class AlreadySold(Refused):
    """The unit has been sold before."""

    code = "already_sold"


class Expired(Refused):
    """The lot is past its best-before date."""

    code = "expired"


class Recalled(Refused):
    """The lot or unit is blocked from sale."""

    code = "recalled"


class NotHere(Refused):
    """The unit has not been received at this outlet."""

    code = "not_here"


class UnknownItem(Refused):
    """Nothing with this code was ever made or received."""

    code = "unknown_item"
    status = 404


class WrongTender(Refused):
    """What was paid does not fit what is owed."""

    code = "wrong_tender"
    status = 400


class OutletClosed(Refused):
    """The outlet is not open."""

    code = "outlet_closed"
