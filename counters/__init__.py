"""Door for halls, zones and counters: goods-in, till, count."""
