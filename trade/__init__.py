"""What was agreed: orders, sales, settlement, and the ledger under them."""
