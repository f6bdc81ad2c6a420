"""What printing tells the worker."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelsWanted:
    """The file of a large printing is to be made."""

    print_id: int
