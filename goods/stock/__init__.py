"""How many, and where: lots, serials, cases, a ledger of moves and the balances it adds up to."""
