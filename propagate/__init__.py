"""The temporal part: key frames, warp, the frame path."""
