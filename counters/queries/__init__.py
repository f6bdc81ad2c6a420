"""Questions that only the counters' pages ask."""
