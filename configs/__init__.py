"""Presets as YAML; the schema of each is a dataclass in the room that uses it."""
