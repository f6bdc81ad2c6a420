"""Page queries of the office: every list and look-up is scoped by a `Reach`."""
