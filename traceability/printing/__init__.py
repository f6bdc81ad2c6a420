"""Printing: labels printed, printed again or withdrawn, and files made in the background."""
