"""Correct maps that were warped from a key frame, for `travels=maps`."""
