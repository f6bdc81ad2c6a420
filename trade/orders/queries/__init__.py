"""Questions to orders: baskets and quotes, buyers' orders, suppliers' parcels, money in trouble."""
