"""What sales tells the rest of the house."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SaleRecorded:
    """A sale has been made: `business_date` is ISO, `place_id` the outlet."""

    sale_id: str
    place_id: int
    business_date: str
