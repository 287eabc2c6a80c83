"""The whole program's configuration - schema and presets."""
