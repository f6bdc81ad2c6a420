"""What scans tell: which do not fit, how grave that is, and what may be kept of a scan."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

KEEP: Final = timedelta(days=365)
"""How long single scans are kept."""
PERIOD: Final = timedelta(days=90)
"""How long one key hashes devices."""
SAME_SCAN: Final = timedelta(minutes=10)
"""A page opened again by the same device within this time is the same scan."""
LOOK_BACK: Final = timedelta(days=30)
"""Of which scans devices are counted for invented numbers."""
GRADES: Final = ("info", "warn", "alarm")
KINDS: Final = (
    *("voided", "never_made", "many_devices", "scratched_again", "scratch_guessed"),
    *("wrong_lot", "far", "not_sent"),
)
"""Kinds of alarm, gravest first."""
MANY_DEVICES: Final = (5, 10, 20)
"""Devices after the sale from which it is info, warn and alarm: a household and its guests, a
school class, a copied label."""
INVENTED: Final = 3
"""Devices with invented numbers of one GTIN from which a warning is an alarm."""
AT_MAKER: Final = (1, 3, 8)
"""Devices of goods that by the record never left their maker; its own people try labels out."""
ELSEWHERE: Final = (1, 2, 5)
"""Devices in another county than the goods; for another prefecture one grade more."""
GUESSED: Final = 5
"""Wrong scratch codes of one item from which the supplier is told."""

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 letters and figures that nobody takes for one another."""
CODE_LENGTH: Final = 8
COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{22}")
AREA: Final = re.compile(r"[1-9][0-9]{5}")
_ZERO: Final = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one scan. `devices` counts this one too."""

    kind: str
    state: str = ""
    devices: int = 1
    area: str | None = None
    home: str | None = None
    """The county where the item is by the record."""
    named_lot: str | None = None
    """The lot that the code names, when the record says another."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit."""

    kind: str
    grade: str
    figures: dict[str, Any] = field(default_factory=dict)


def judge(facts: Facts) -> list[Finding]:
    """Tell what does not fit about a scan, gravest first."""
    if facts.kind == "unknown":
        grade = "alarm" if facts.devices >= INVENTED else "warn"
        return [Finding("never_made", grade, {"devices": facts.devices})]
    if facts.kind != "item":
        return []
    devices = {"devices": facts.devices}
    found: list[tuple[str, str | None, dict[str, Any]]] = []
    if facts.state in {"destroyed", "voided"}:
        found.append(("voided", "alarm", devices))
    if facts.named_lot:
        found.append(("wrong_lot", "warn", {"named_lot": facts.named_lot}))
    if facts.state == "commissioned":
        found.append(("not_sent", _grade(facts.devices, AT_MAKER), devices))
    if facts.state == "sold":
        found.append(("many_devices", _grade(facts.devices, MANY_DEVICES), devices))
    if _elsewhere(facts):
        more = str(facts.area)[:4] != str(facts.home)[:4]
        far = _grade(facts.devices, ELSEWHERE, more=int(more))
        found.append(("far", far, {**devices, "area": facts.area, "home": facts.home}))
    return gravest_first(
        Finding(kind, given, figures) for kind, given, figures in found if given is not None
    )


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sort what does not fit."""
    return sorted(findings, key=lambda one: (-GRADES.index(one.grade), KINDS.index(one.kind)))


def _elsewhere(facts: Facts) -> bool:
    """Goods that lie somewhere are scanned there; sold ones travel with their buyers."""
    lying = facts.state in {"commissioned", "on_shelf", "returned"}
    return lying and None not in (facts.area, facts.home) and facts.area != facts.home


def _grade(count: int, steps: Sequence[int], *, more: int = 0) -> str | None:
    reached = sum(count >= step for step in steps)
    return GRADES[min(reached - 1 + more, len(GRADES) - 1)] if reached else None


def graver(one: str, other: str) -> str:
    """Give the graver of two grades."""
    return max(one, other, key=GRADES.index)


def period_of(now: datetime) -> int:
    """Give the number of the period whose key hashes devices now."""
    return (now - _ZERO) // PERIOD


def device_hash(secret: str, period: int, cookie: str, gtin: str, serial: str) -> str:
    """Hash a device's random cookie for one code and one period: 32 hexadecimal digits.

    The code goes in as well, so that what one phone scanned can't be put together.
    """
    key = hmac.digest(secret.encode(), f"scan device {period}".encode(), hashlib.sha256)
    said = f"{cookie}\0{gtin}\0{serial}".encode()
    return hmac.new(key, said, hashlib.sha256).hexdigest()[:32]


def scratch_digest(secret: str, gtin: str, serial: str, code: str) -> str:
    """Hash the code under an item's coating."""
    key = hmac.digest(secret.encode(), b"scratch code", hashlib.sha256)
    return hmac.new(key, f"{gtin}\0{serial}\0{code}".encode(), hashlib.sha256).hexdigest()


def typed_code(text: str) -> str:
    """Read a scratch code as people type it: small letters, blanks and hyphens are fine."""
    return re.sub(r"[\s\-—]+", "", text).upper()[: CODE_LENGTH + 1]


def area_of(text: str | None) -> str | None:
    """Read a county code of six digits (GB/T 2260); anything else is no place."""
    return text if text and AREA.fullmatch(text) else None


def cookie_of(text: str | None) -> str | None:
    """Read the cookie; anything that this house did not make is none."""
    return text if text and COOKIE.fullmatch(text) else None
