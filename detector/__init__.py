"""Single-frame detectors in two halves, so that propagation fits in between."""
