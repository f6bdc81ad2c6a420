"""What a recall asks for: its scope, its level and days, and when it is done."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from foundation.errors import BadInput, Refused

SCOPES = ("lot", "place", "supplier", "certificate", "item")
ACTS = ("quarantined", "returned", "destroyed", "taken_back")
LEVELS = (1, 2, 3)
BEGIN_WITHIN_HOURS = {1: 24, 2: 48, 3: 72}
"""From knowing of the risk to beginning the recall, by level."""
WORKING_DAYS = {1: 10, 2: 20, 3: 30}
"""From the announcement to its end, by level.

Both follow the national measures on food recalls (食品召回管理办法). Only Saturdays and Sundays are
passed over here: public holidays would put the day later, so ours is never too late.
"""
SATURDAY = 5


class AlreadyRecalled(Refused):
    """The same is being recalled already."""

    code = "already_recalled"


class NothingToRecall(Refused):
    """The scope comes to no goods at all."""

    code = "nothing_to_recall"


class RecallOver(Refused):
    """The recall was lifted or has ended."""

    code = "recall_over"


class StillOut(Refused):
    """Goods are not accounted for yet."""

    code = "still_out"


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be recalled: a lot, place, supplier, certificate or item by its id."""

    scope: str
    id: int
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Announcement:
    """A recall as an official announces it."""

    target: Target
    level: int
    reason_zh: str
    reason_en: str = ""


def check_announcement(announcement: Announcement) -> None:
    """Raise BadInput with the field that is wrong."""
    target = announcement.target
    if target.scope not in SCOPES:
        raise BadInput("Please choose what is to be recalled", field="scope")
    if announcement.level not in LEVELS:
        raise BadInput("A recall has level 1, 2 or 3", field="level")
    if not announcement.reason_zh.strip():
        raise BadInput("Please say why", field="reason_zh")
    if target.since and target.until and target.since > target.until:
        raise BadInput("The last day lies before the first", field="until")


def due_on(level: int, announced: date) -> date:
    """Give the working day by which a recall of `level` is to be done."""
    day, left = announced, WORKING_DAYS[level]
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < SATURDAY
    return day


class Spot(NamedTuple):
    """How a recall stands at one place with one lot; base units."""

    place_id: int
    lot_id: int
    on_hand: int
    quarantined: int
    returned: int
    destroyed: int
    taken_back: int

    @property
    def open(self) -> int:
        """Give what is there and not yet set apart."""
        return max(0, self.on_hand - self.quarantined)

    @property
    def affected(self) -> int:
        """Give all that the recall met here."""
        return self.on_hand + self.returned + self.destroyed

    @property
    def done(self) -> int:
        """Give what is set apart, sent back or destroyed."""
        return self.affected - self.open
