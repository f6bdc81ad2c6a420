"""What recalls tell the rest of the house, after the fact. Ids only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecallAnnounced:
    """A recall stands; buyers are to be told."""

    recall_id: int
