"""What a GS1 key is: an application identifier, a value, and at most one qualifier."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple
from urllib.parse import quote

BASE: Final = "https://id.gs1.org"

# Of the characters that GS1 allows in values these stand as they are. The apostrophe is one that
# RFC 3986 allows in a path, and that the event hash's public vectors leave alone.
_SAFE: Final = "'"
SET_82: Final = re.compile(r"[!-\"%-?A-Z_a-z]+")
SET_39: Final = re.compile(r"[#\-/0-9A-Z]+")
_SET_82_TO_20: Final = re.compile(r"[!-\"%-?A-Z_a-z]{1,20}")
_QUALIFIERS: Final[Mapping[str, re.Pattern[str]]] = {
    "10": _SET_82_TO_20,
    "21": _SET_82_TO_20,
    "22": _SET_82_TO_20,
    "254": _SET_82_TO_20,
    "235": re.compile(r"[!-\"%-?A-Z_a-z]{1,28}"),
    "7040": re.compile(r"[0-9][!-\"%-?A-Z_a-z]{3}"),
    "8011": re.compile(r"[1-9][0-9]{0,11}|0"),
    "8019": re.compile(r"[0-9]{1,10}"),
}


def _escaped(value: str) -> str:
    """Write a value into a path; most are letters and digits."""
    return value if value.isalnum() and value.isascii() else quote(value, safe=_SAFE)


class Identity(NamedTuple):
    """What an EPC, EPC class, place or party names, as columns.

    `ai` is the application identifier of the primary key, `key` its value (a GTIN has 14
    digits), `qualifier_ai` and `qualifier` the one finest qualifier, or empty.
    """

    ai: str
    key: str
    qualifier_ai: str = ""
    qualifier: str = ""

    @property
    def uri(self) -> str:
        """Give the one canonical address."""
        path = f"{BASE}/{self.ai}/{_escaped(self.key)}"
        if self.qualifier_ai:
            return f"{path}/{self.qualifier_ai}/{_escaped(self.qualifier)}"
        return path

    @property
    def is_instance(self) -> bool:
        """Say whether it names one thing; a GTIN alone, a lot or a type number names many."""
        return {
            "01": self.qualifier_ai in {"21", "235"},
            "8006": self.qualifier_ai == "21",
            "8010": self.qualifier_ai == "8011",
            "253": len(self.key) > _FIXED["253"],
            "255": len(self.key) > _FIXED["255"],
            "8003": len(self.key) > _FIXED["8003"],
        }.get(self.ai, True)

    @property
    def of_class(self) -> "Identity":
        """Give the class that an instance belongs to: its GTIN, its type of asset or document."""
        if self.ai in _FIXED:
            return Identity(self.ai, self.key[: _FIXED[self.ai]])
        return Identity(self.ai, self.key) if self.qualifier_ai else self

    @property
    def number(self) -> str | None:
        """Give the digits that end in a check digit; None for keys that have none."""
        match self.ai:
            case "8004" | "401" | "8010":
                return None
            case "8006":
                return self.key[:14]
            case "8003":
                return self.key[1:14]
            case "253" | "255":
                return self.key[:13]
            case _:
                return self.key

    @property
    def issuer(self) -> str | None:
        """Give the digits that start with the GS1 company prefix of who issued the key."""
        match self.ai:
            case "01" | "8006":
                return self.key[1:14]
            case "00":
                return self.key[1:]
            case "8003":
                return self.key[1:14]
            case _:
                return self.key


_FIXED: Final[Mapping[str, int]] = MappingProxyType({"253": 13, "255": 13, "8003": 14})
"""How long the part of a key is that names the type; a serial follows it in the same value."""


def check_digit(digits: str) -> str:
    """Give the GS1 modulo-10 check digit of ASCII digits."""
    backwards = digits[::-1]
    total = 3 * sum(map(int, backwards[::2])) + sum(map(int, backwards[1::2]))
    return str(-total % 10)


def qualifies(ai: str, value: str) -> bool:
    """Say whether a qualifier has the characters and the length that it may have."""
    return bool(_QUALIFIERS[ai].fullmatch(value))
