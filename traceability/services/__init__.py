"""Verbs of traceability, by noun: events, lots, cases."""
