"""The pages of this door: guard, read, one transaction, one verb, present."""

from cooperatives.door import api, blueprint
from cooperatives.views import (
    cases,
    labels,
    lots,
    orders,
    papers,
    partners,
    products,
    statement,
    today,
)

__all__ = [
    "api",
    "blueprint",
    "cases",
    "labels",
    "lots",
    "orders",
    "papers",
    "partners",
    "products",
    "statement",
    "today",
]
