"""Training of LightFlow."""
