"""Recalls: what is called back, how far that reaches, and how far it has got."""
