"""The pages of this door: guard, read, one transaction, one verb, present."""

from cooperatives.views import lots, today

__all__ = ["lots", "today"]
