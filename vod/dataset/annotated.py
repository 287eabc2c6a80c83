"""Pictures with objects, as training reads them, from every form of ground truth.

    pictures = read_annotated("instances.json@train", ("lion", "tiger"))

A source is a path as `vod.dataset.reading` knows it (a folder in the ILSVRC2015 layout
of VID or DET, a COCO or COCO-VID json, an `.npz` of columns) and perhaps `@split`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from vod.class_map import ClassMap
from vod.config import nearest
from vod.dataset.columns import select_frames
from vod.dataset.reading import read_ground_truth
from vod.errors import AnnotationError
from vod.ground_truth import BoolArray, DoubleArray, GroundTruth
from vod.imagenet_vid import inclusive_boxes
from vod.types import FloatArray, IntArray

Degenerate = Literal["refuse", "drop"]

DEFAULT_SPLIT: Final = "train"
VALIDATION_SPLIT: Final = "val"
LEAST_SIDE: Final = 1e-3  # of a box, in pixels: what COCO's files round to 0


@dataclass(frozen=True, eq=False, slots=True)
class AnnotatedPictures:
    """Frames (F) and their objects (G) of chosen classes.

    Attributes:
        source: what it was read from, for messages.
        truth: the frames, with the chosen classes and their objects only.
        boxes: `(G, 4)` float32 continuous x1, y1, x2, y2 in the frames' pixels.
    """

    source: str
    truth: GroundTruth
    boxes: FloatArray

    def __len__(self) -> int:
        return self.truth.num_frames

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in label order."""
        return self.truth.classes

    def path(self, frame: int) -> Path:
        """Give the picture of the frame at a position."""
        return self.truth.image_path(frame)

    def objects(self, frame: int) -> tuple[FloatArray, IntArray]:
        """Give the boxes `(N, 4)` and labels `(N,)` of the frame at a position."""
        rows = self.truth.objects_of(frame)
        return self.boxes[rows], self.truth.labels[rows]

    def select(self, keep: BoolArray) -> "AnnotatedPictures":
        """Keep the frames where `keep` `(F,)` is true."""
        boxes = self.boxes[keep[self.truth.object_frames]]
        return AnnotatedPictures(self.source, select_frames(self.truth, keep), boxes)

    def spread(self, most: int) -> "AnnotatedPictures":
        """Keep at most so many frames, evenly spread over the list."""
        keep = np.zeros(len(self), np.bool_)
        keep[np.linspace(0, len(self) - 1, min(most, len(self))).astype(int)] = True
        return self.select(keep)


def read_annotated(
    source: str, classes: Sequence[str] = (), *, degenerate: Degenerate = "refuse"
) -> AnnotatedPictures:
    """Read a source of pictures; see the head of this file.

    Args:
        source: path and perhaps `@split`; the split is `train` where none is named.
        classes: the classes to learn, by these names or others of the same meaning
            (`vod.class_map`); objects of other classes are left out. Empty: all.
        degenerate: what becomes of boxes without area.

    Raises:
        AnnotationError: something is missing or wrong, there are no pictures, no
            objects of the classes, or boxes without area that are not to be dropped.
    """
    path, _, split = source.partition("@")
    truth = read_ground_truth(Path(path), split or DEFAULT_SPLIT)
    if not truth.num_objects:
        raise AnnotationError(
            f"{source} lists {truth.num_frames} pictures and not one object."
        )
    _check_pictures(source, truth)
    names = tuple(classes) or truth.classes
    labels = ClassMap.between(truth.classes, names).labels
    kept = np.flatnonzero(labels[truth.labels] >= 0)
    if not len(kept):
        raise AnnotationError(
            f"{source} has no object of the classes {', '.join(names)}; its own are "
            f"{', '.join(truth.classes)}."
        )
    boxes = truth.boxes[kept].copy()
    if not truth.is_coco:
        boxes[:, 2:] += 1  # the last pixel is inside
    whole = _inside(boxes, truth, kept)
    flat: BoolArray = np.min(whole[:, 2:] - whole[:, :2], axis=1) < LEAST_SIDE
    if flat.any() and degenerate == "refuse":
        raise _degenerate(source, truth, kept, boxes, flat)
    kept, whole = kept[~flat], whole[~flat]
    chosen = replace(
        truth,
        classes=names,
        object_frames=truth.object_frames[kept],
        boxes=inclusive_boxes(whole),
        labels=labels[truth.labels[kept]].astype(np.int32),
        track_ids=truth.track_ids[kept],
        occluded=truth.occluded[kept],
        generated=truth.generated[kept],
        category_ids=(),
    )
    return AnnotatedPictures(source, chosen, whole.astype(np.float32))


def read_sources(
    sources: Sequence[str],
    classes: Sequence[str] = (),
    *,
    degenerate: Degenerate = "refuse",
) -> tuple[AnnotatedPictures, ...]:
    """Read several sources under one class list; see `read_annotated`.

    Args:
        sources: at least one.
        classes: empty: those of the first source.
        degenerate: what becomes of boxes without area.

    Raises:
        AnnotationError: also if a class is shown nowhere.
    """
    first = read_annotated(sources[0], classes, degenerate=degenerate)
    more = [
        read_annotated(source, first.classes, degenerate=degenerate)
        for source in sources[1:]
    ]
    found = (first, *more)
    if classes:  # a whole data set may list classes that a part of it does not show
        check_classes(found)
    return found


def validation_source(
    source: str | None, classes: Sequence[str], *, degenerate: Degenerate
) -> AnnotatedPictures | None:
    """Read what is measured on, the split `val` where none is named; None stays None.

    Raises:
        AnnotationError: see `read_annotated`.
    """
    if source is None:
        return None
    named = source if "@" in source else f"{source}@{VALIDATION_SPLIT}"
    return read_annotated(named, classes, degenerate=degenerate)


def check_classes(sources: Sequence[AnnotatedPictures]) -> None:
    """Make sure that every class is taught by some source.

    Raises:
        AnnotationError: naming the class that none has.
    """
    taught = {int(label) for one in sources for label in np.unique(one.truth.labels)}
    for label, name in enumerate(sources[0].classes):
        if label not in taught:
            have = [sources[0].classes[known] for known in sorted(taught)]
            raise AnnotationError(
                f"no picture shows the class '{name}' in "
                f"{', '.join(one.source for one in sources)}.{nearest(name, have)}"
            )


def _check_pictures(source: str, truth: GroundTruth) -> None:
    """Look for the first and the last picture: a root may hold annotations alone."""
    for frame in (0, truth.num_frames - 1):
        path = truth.image_path(frame)
        if not path.is_file():
            raise AnnotationError(
                f"{source} has annotations of {truth.num_frames} pictures but not the "
                f"picture {path}."
            )


def _inside(
    boxes: DoubleArray, truth: GroundTruth, rows: npt.NDArray[np.intp]
) -> DoubleArray:
    """Cut `(N, 4)` boxes to their pictures, where the sizes are known."""
    sizes = truth.frame_sizes[truth.object_frames[rows]].astype(np.float64)
    limits = np.where(sizes > 0, sizes, np.inf)[:, [1, 0, 1, 0]]
    return np.clip(boxes, 0, limits)


def _degenerate(
    source: str,
    truth: GroundTruth,
    rows: npt.NDArray[np.intp],
    boxes: DoubleArray,
    flat: BoolArray,
) -> AnnotationError:
    first = int(np.flatnonzero(flat)[0])
    name = truth.image_names[truth.object_frames[rows[first]]]
    box = ", ".join(f"{side:g}" for side in boxes[first])
    return AnnotationError(
        f"{source}: {int(flat.sum())} boxes have no area inside their picture, the "
        f"first in {name} (x1, y1, x2, y2 = {box}): mend them, or leave them out with "
        "--set degenerate=drop."
    )
