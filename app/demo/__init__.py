"""The demo: a year of the region, made through the verbs."""
