"""The counters' door: goods-in, till, receipts, stock on the shelf, the day's totals."""
