"""What joint training of LightFlow learns from, and how."""
