"""The office's pages. Importing this room hangs them all on the blueprint."""

from admin.door import bp
from admin.views import dashboard, house, lots, outlets, sales, suppliers

__all__ = ["bp", "dashboard", "house", "lots", "outlets", "sales", "suppliers"]
