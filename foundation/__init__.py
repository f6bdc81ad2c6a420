"""Ground that every room stands on: time, money, database, outbox, refusals. No business words."""
