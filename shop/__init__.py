"""Door for consumers: browse, basket, checkout, my orders."""
