"""Views of the storefront."""

from flask import Blueprint

from shop.frame import frame
from shop.views import basket, checkout, mine, outlets, payment, posted, product, recalls, shelves

bp = Blueprint("shop", __name__)
bp.context_processor(frame)
for part in (shelves, product, outlets, basket, checkout, payment, mine, posted, recalls):
    part.hang(bp)

__all__ = ["bp"]
