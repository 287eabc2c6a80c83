"""Data sets of optical flow: layouts, records, batches."""
