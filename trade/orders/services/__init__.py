"""Verbs of orders, by noun: carts, addresses, checkout, payments, fulfilment, refunds, endings."""
