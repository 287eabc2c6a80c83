"""Pseudo-video: pictures with boxes, set in motion, with exact boxes and exact flow.

A camera moves over one picture; objects cut from others move before it. Everything is
affine, so that what is at a pixel of one frame is known to be at a place of any other.
"""
