"""What an attempt to sign in, to use a code or to prove a password came to."""

from dataclasses import dataclass

from foundation.errors import Refused


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of an attempt.

    Attempts do not raise their refusal: a wrong password or code has to be counted, and raising
    inside the transaction would undo the count. The door commits first and asks afterwards.
    """

    account_id: int | None = None
    sign_in_id: int | None = None
    """The row that the cookie is to name; a door hands it to `guards.begin_session`."""
    created: bool = False
    refusal: Refused | None = None

    def or_raise(self) -> "Outcome":
        """Give this outcome when it succeeded, else raise its refusal; ask after the commit."""
        if self.refusal is not None:
            raise self.refusal
        return self
