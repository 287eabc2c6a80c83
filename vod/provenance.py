"""Where the detections of a frame come from."""

from dataclasses import dataclass

from vod.errors import ShapeError
from vod.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Provenance:
    """One row a detection, in the order of the frame's detections.

    Attributes:
        key_frames: `(N,)` int32, frame index of the key frame that it comes from.
        ages: `(N,)` int32, frames between that key frame and this one; 0 on it.
        displacements: `(N,)` float32, pixels of the frame that its centre has moved on
            the way, step by step.
        confidences: `(N,)` float32 in [0, 1], how well the flow that carried it agreed
            with itself; 1 on the key frame.
    """

    key_frames: IntArray
    ages: IntArray
    displacements: FloatArray
    confidences: FloatArray

    def __post_init__(self) -> None:
        shape = (len(self.ages),)
        columns = (self.key_frames, self.displacements, self.confidences)
        if any(column.shape != shape for column in columns):
            raise ShapeError(
                f"provenance must share its length. Expected {shape} throughout, "
                f"received {', '.join(str(column.shape) for column in columns)}."
            )

    def __len__(self) -> int:
        return len(self.ages)
