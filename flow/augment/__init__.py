"""Augmentation of measured pairs, after flownet2-tf."""
