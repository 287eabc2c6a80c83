"""The objects of a set of videos as columns: what every protocol is scored against.

A full ImageNet VID validation set has 176,126 frames and 273,505 objects; columns hold
it in 30 MB and let NumPy match millions of detections without a Python object each.
Boxes are as the official files have them: first and *last* pixel, width = xmax - xmin
+ 1 (see `vod.imagenet_vid`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vod.types import IntArray

DoubleArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class GroundTruth:
    """All listed frames (F), in the order of the list, and their objects (G).

    Attributes:
        classes: names; a label is a position here.
        snippets: names of the videos, in order of first appearance.
        frame_snippets: `(F,)` int32, position in `snippets`.
        frame_numbers: `(F,)` int32, number of the frame in its video, from 0.
        frame_indices: `(F,)` int64, the number by which result files name the frame;
            each is unique.
        frame_sizes: `(F, 2)` int32 height and width in pixels, 0 where unknown.
        image_names: path of every picture below `image_root`.
        image_root: folder of the pictures; they need not exist to score results.
        object_frames: `(G,)` int32, position of the object's frame, ascending.
        boxes: `(G, 4)` float64 xmin, ymin, xmax, ymax, last pixel included.
        labels: `(G,)` int32.
        track_ids: `(G,)` int32, one object keeps its id through a video; -1 unknown.
        occluded: `(G,)` as the annotation says; no protocol reads it.
        generated: `(G,)` likewise.
        category_ids: number of every class in a COCO file; empty where the ground truth
            is no COCO file. COCO's boxes keep their numbers, xmax = x + width, so that
            the coco protocol gives back what pycocotools does.
    """

    classes: tuple[str, ...]
    snippets: tuple[str, ...]
    frame_snippets: IntArray
    frame_numbers: IntArray
    frame_indices: npt.NDArray[np.int64]
    frame_sizes: IntArray
    image_names: tuple[str, ...]
    image_root: Path
    object_frames: IntArray
    boxes: DoubleArray
    labels: IntArray
    track_ids: IntArray
    occluded: BoolArray
    generated: BoolArray
    category_ids: tuple[int, ...] = ()

    @property
    def is_coco(self) -> bool:
        """Whether it was read from a COCO file."""
        return bool(self.category_ids)

    @property
    def num_frames(self) -> int:
        """F."""
        return len(self.frame_indices)

    @property
    def num_objects(self) -> int:
        """G."""
        return len(self.labels)

    def image_path(self, frame: int) -> Path:
        """Give the picture of the frame at a position in the list."""
        return self.image_root / self.image_names[frame]

    def objects_of(self, frame: int) -> slice:
        """Give the rows of the objects in the frame at a position in the list."""
        first, last = np.searchsorted(self.object_frames, [frame, frame + 1])
        return slice(int(first), int(last))

    def videos(self) -> Iterator[tuple[str, IntArray]]:
        """Yield every video's name and the positions of its frames, list order."""
        order = np.argsort(self.frame_snippets, kind="stable").astype(np.int32)
        starts = np.searchsorted(
            self.frame_snippets[order], np.arange(len(self.snippets) + 1)
        )
        for snippet, name in enumerate(self.snippets):
            yield name, order[starts[snippet] : starts[snippet + 1]]
