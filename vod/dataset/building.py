"""Collect frames and objects one by one into the columns of `GroundTruth`."""

from pathlib import Path

import numpy as np

from vod.ground_truth import DoubleArray, GroundTruth
from vod.imagenet_vid import inclusive_boxes

UNKNOWN_TRACK = -1


class GroundTruthBuilder:
    """Frames in their order, each followed by its objects.

    Args:
        classes: names by label.
        image_root: folder below which the pictures are named.
    """

    def __init__(self, classes: tuple[str, ...], image_root: Path) -> None:
        self._classes = classes
        self._image_root = image_root
        self._snippets: dict[str, int] = {}
        self._frames: list[tuple[int, int, int, int]] = []
        self._images: list[str] = []
        self._boxes: list[tuple[float, float, float, float]] = []
        self._objects: list[tuple[int, int, int, bool]] = []

    def add_frame(
        self, snippet: str, number: int, *, image: Path, size: tuple[int, int]
    ) -> None:
        """Begin the next frame.

        Args:
            snippet: name of its video.
            number: of the frame in the video, from 0.
            image: the picture.
            size: height and width in pixels.
        """
        owner = self._snippets.setdefault(snippet, len(self._snippets))
        self._frames.append((owner, number, *size))
        if image.is_relative_to(self._image_root):
            image = image.relative_to(self._image_root)
        self._images.append(image.as_posix())

    def add_object(
        self,
        box: tuple[float, float, float, float],
        label: int,
        *,
        track_id: int = UNKNOWN_TRACK,
        occluded: bool = False,
    ) -> None:
        """Add an object to the last frame; `box` is continuous, x1, y1, x2, y2."""
        self._boxes.append(box)
        self._objects.append((len(self._frames) - 1, label, track_id, occluded))

    def build(self) -> GroundTruth:
        """Give everything that was added; indices count the frames from 1."""
        frames = np.array(self._frames, np.int32).reshape(-1, 4)
        objects = np.array(self._objects, np.int32).reshape(-1, 4)
        return GroundTruth(
            self._classes,
            tuple(self._snippets),
            frames[:, 0].copy(),
            frames[:, 1].copy(),
            np.arange(1, len(frames) + 1, dtype=np.int64),
            frames[:, 2:].copy(),
            tuple(self._images),
            self._image_root,
            objects[:, 0].copy(),
            at_least_a_pixel(inclusive_boxes(np.array(self._boxes))),
            objects[:, 1].copy(),
            objects[:, 2].copy(),
            objects[:, 3].astype(np.bool_),
            np.zeros(len(objects), np.bool_),
        )


def at_least_a_pixel(boxes: DoubleArray) -> DoubleArray:
    """Widen boxes `(N, 4)`, last pixel included, that are narrower than one pixel.

    The layout cannot say them: xmax would lie left of xmin.
    """
    return np.concatenate(
        [boxes[:, :2], np.maximum(boxes[:, 2:], boxes[:, :2])], axis=1
    )
