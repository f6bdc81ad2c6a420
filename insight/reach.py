"""How far somebody may look: the whole region, or some of its counties."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, false, or_, true

from parties.people.permissions import Actor, Can


@dataclass(frozen=True, slots=True)
class Reach:
    """The counties whose rows somebody sees; None is the whole region."""

    counties: frozenset[str] | None

    @property
    def whole(self) -> bool:
        """Tell whether nothing is hidden."""
        return self.counties is None

    @property
    def county(self) -> str | None:
        """Give the one county looked at, when it is exactly one."""
        if self.counties is None or len(self.counties) != 1:
            return None
        return next(iter(self.counties))

    def within(self, *columns: Any) -> ColumnElement[bool]:
        """Give the condition that one of `columns` (county codes) is within reach."""
        if self.counties is None:
            return true()
        if not self.counties:
            return false()
        return or_(*(column.in_(sorted(self.counties)) for column in columns))

    def covers(self, county_code: str | None) -> bool:
        """Tell whether a row of this county is within reach."""
        return self.counties is None or county_code in self.counties


EVERYWHERE = Reach(None)
NOWHERE = Reach(frozenset())


def reach_of(actor: Actor, permission: Can = Can.SEE_DASHBOARD) -> Reach:
    """Give how far `actor` may look with `permission`.

    A grant limited to an organisation or a place reaches no county at all: its holder has a desk
    of their own.
    """
    held = [
        grant
        for grant in actor.grants_for(permission)
        if grant.organisation_id is None and grant.place_id is None
    ]
    if any(grant.county_code is None for grant in held):
        return EVERYWHERE
    return Reach(frozenset(grant.county_code for grant in held if grant.county_code))
