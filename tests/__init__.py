"""Tests: they mirror the rooms; flows go the whole way."""
