"""Measured claims: each figure says what it was held against in the same run, and what is asked."""
