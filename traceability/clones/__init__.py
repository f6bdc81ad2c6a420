"""Codes that were copied: what scans tell, whom they alarm, and a code under a coating."""
