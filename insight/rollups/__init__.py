"""Totals by day, outlet and SKU; disposable."""
