"""The counters' addresses: /till for people, /api/outlets for partner systems."""

from flask import Blueprint

from counters.views import recalls, receipts, receive, sell, shelves
from counters.views.api import api

bp = Blueprint("counters", __name__, url_prefix="/till")
for part in (sell, receive, recalls, receipts, shelves):
    part.hang(bp)

__all__ = ["api", "bp"]
