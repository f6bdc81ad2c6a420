"""Stories: what the ledger tells a buyer about one item, one lot, one case or one product."""
