"""How far off a carried box may be, from what its way has been.

A variance grows with frames, with motion and with disagreement of the flow inside the
box. The factors are a non-negative least-squares fit to the squared errors of boxes
carried by DIS ultrafast along the detector's own boxes, on the clips that the refiner
is trained on (16 clips, at most 60 objects each).
"""

from typing import Final

import numpy as np

from vod.types import FloatArray, IntArray

DETECTED: Final = 1.0e-3
"""Of a box as the detector gave it, in squared shares of its side."""

PER_FRAME: Final = 6.2e-5
PER_SHIFT: Final = 0.23
PER_DISAGREEMENT: Final = 0.019


def doubt_of(
    ages: IntArray | FloatArray,
    shifts: FloatArray,
    confidences: FloatArray,
    sides: FloatArray,
) -> FloatArray:
    """Give the expected error of boxes, in shares of their sides, root mean square.

    Args:
        ages: `(N,)` frames since the key frame.
        shifts: `(N,)` pixels that each centre has moved since, step by step.
        confidences: `(N,)` product of the steps' agreement of the flow with itself.
        sides: `(N,)` root of the area, in the same pixels.
    """
    steps = np.maximum(ages, 1).astype(np.float32)
    # The sum over steps of squares, were all steps alike.
    moved = np.square(shifts / np.maximum(sides, 4)) / steps
    disagreed = np.square(np.log(np.clip(confidences, 1e-3, 1))) / steps
    variance = (
        DETECTED + PER_FRAME * steps + PER_SHIFT * moved + PER_DISAGREEMENT * disagreed
    )
    doubt: FloatArray = np.sqrt(np.minimum(variance, 0.16)).astype(np.float32)
    return doubt
