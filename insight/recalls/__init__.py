"""Recalls beyond the trace: who bought, who was told."""
