"""The whole way, and who may go how far on it."""
