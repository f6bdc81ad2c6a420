"""Promises: baskets, orders, payments, parcels."""
