"""Turns what came from outside into what verbs and queries take."""
