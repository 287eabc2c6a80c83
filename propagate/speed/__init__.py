"""How fast the frame path is on this machine, beside others, and how much it takes."""
