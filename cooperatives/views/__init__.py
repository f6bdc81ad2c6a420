"""The pages of this door: guard, read, one transaction, one verb, present."""

from cooperatives.door import api, blueprint
from cooperatives.views import (
    balance,
    cases,
    clones,
    labels,
    links,
    lots,
    orders,
    papers,
    partners,
    printings,
    products,
    statement,
    systems,
    today,
)

__all__ = [
    "api",
    "balance",
    "blueprint",
    "cases",
    "clones",
    "labels",
    "links",
    "lots",
    "orders",
    "papers",
    "partners",
    "printings",
    "products",
    "statement",
    "systems",
    "today",
]
