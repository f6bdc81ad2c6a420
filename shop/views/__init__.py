"""Views of the storefront."""

from flask import Blueprint

from shop.frame import frame
from shop.views import basket, outlets, product, rules, shelves

bp = Blueprint("shop", __name__)
bp.context_processor(frame)
for part in (shelves, product, outlets, basket, rules):
    part.hang(bp)

__all__ = ["bp"]
