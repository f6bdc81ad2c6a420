"""Door for suppliers: listing, lots, labels, fulfilment, statements."""
