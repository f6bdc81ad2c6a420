"""The storefront: browse, basket, checkout, one's own orders, rules on display."""
