"""Questions to the ledger in the EPCIS 2.0 query language (section 8.2.7.1)."""
