"""Fitting to the user's own videos: what is held out, measured, and handed over."""
