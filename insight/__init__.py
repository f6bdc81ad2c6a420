"""What it means: totals that can be thrown away and made again, and alarms."""
