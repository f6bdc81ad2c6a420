"""Puts the house together: factory, settings, error pages, jobs, command line."""
