"""The cooperatives' door: lots step by step, labels, parcels, products, papers, statements."""
