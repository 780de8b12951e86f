"""Upkeep of the log."""
