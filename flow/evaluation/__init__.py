"""Measuring flows against the truth."""
