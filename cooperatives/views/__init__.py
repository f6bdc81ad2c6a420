"""The pages of this door: guard, read, one transaction, one verb, present."""

from cooperatives.door import blueprint
from cooperatives.views import cases, labels, lots, today

__all__ = ["blueprint", "cases", "labels", "lots", "today"]
