"""The ways in which people's verbs say no."""

from foundation.errors import BadInput, NotAllowed, Refused, TooMany


class WrongPassword(NotAllowed):
    """No account goes with this e-mail address and password; which of the two is not said."""

    code = "wrong_password"


class WrongCode(BadInput):
    """The code is not the one that was sent, or it was used, replaced or is too old."""

    code = "wrong_code"


class LockedOut(TooMany):
    """Too many wrong passwords; `params["minutes"]` says how long the account stays shut."""

    code = "locked_out"


class TooSoon(TooMany):
    """A code has just been sent to this target; `params["seconds"]` says how long to wait."""

    code = "code_too_soon"


class TooManyCodes(TooMany):
    """No more codes go to this target today."""

    code = "too_many_codes"


class NoSender(Refused):
    """The installation has no sender for messages of this kind."""

    code = "no_sender"


class AccountClosed(NotAllowed):
    """The account was closed by its owner or shut by an operator."""

    code = "account_closed"


class AddressTaken(Refused):
    """Another account has this e-mail address or phone."""

    code = "address_taken"


class WeakPassword(BadInput):
    """The password is too short, too common or too close to the e-mail address."""

    code = "weak_password"


class ScopeMissing(BadInput):
    """The role needs an organisation, a place or a county to be limited to."""

    code = "scope_missing"
