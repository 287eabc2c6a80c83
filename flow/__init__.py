"""Optical flow: LightFlow, its training, and its rivals."""
