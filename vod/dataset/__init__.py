"""Ground truth on disk: read, cache, check, list, convert and make it."""
