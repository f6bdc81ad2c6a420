"""What a verb raises when the answer is no."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override


class Refused(Exception):  # noqa: N818 -- a refusal is an answer, not a fault
    """The request was understood and may not be done.

    `code` is stable and meant for programs. `text` is an English sentence with named
    `%(params)s` and meant for people; doors translate it before filling in `params`.
    `field` names the input that the sentence is about, when there is one.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409

    def __init__(self, text: str, *, field: str | None = None, **params: object) -> None:
        super().__init__(text % params if params else text)
        self.text = text
        self.params = params
        self.field = field


@dataclass(frozen=True, slots=True)
class Named:
    """A thing with a name in both languages, as a parameter of a refusal's sentence."""

    name_zh: str
    name_en: str

    @override
    def __str__(self) -> str:
        return self.name_en or self.name_zh


class BadInput(Refused):
    """What came in could not be read."""

    code = "bad_input"
    status = 400


class NotSignedIn(Refused):
    """Nobody is signed in, and somebody must be."""

    code = "not_signed_in"
    status = 401


class NotAllowed(Refused):
    """The person asking may not do it here."""

    code = "not_allowed"
    status = 403


class NotFound(Refused):
    """What was named is not there, or not for this person to see."""

    code = "not_found"
    status = 404


class KeyReused(Refused):
    """A key made by the sender came again with other content."""

    code = "key_reused"
    status = 409


class TooMany(Refused):
    """Asked too often in too short a time."""

    code = "too_many_requests"
    status = 429
