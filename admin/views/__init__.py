"""The office's pages. Importing this room hangs them all on the blueprint."""

from admin.door import bp
from admin.views import (
    balance,
    clones,
    dashboard,
    house,
    links,
    log,
    lots,
    outlets,
    partners,
    recalls,
    refunds,
    sales,
    suppliers,
)

__all__ = [
    "balance",
    "bp",
    "clones",
    "dashboard",
    "house",
    "links",
    "log",
    "lots",
    "outlets",
    "partners",
    "recalls",
    "refunds",
    "sales",
    "suppliers",
]
