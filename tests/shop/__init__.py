"""The storefront, over HTTP."""
