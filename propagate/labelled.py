"""Annotated videos for training: tracks in place of what the detector finds.

Joint training as the paper has it knows where objects are on the last of n + 1 frames;
here a track also tells where the same object was on the first.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from detector.evaluate import read_picture
from propagate.train_data import Clip, Track
from vod.dataset.reading import read_ground_truth
from vod.errors import AnnotationError
from vod.ground_truth import DoubleArray, GroundTruth
from vod.imagenet_vid import continuous_boxes
from vod.preprocess import Preprocessing
from vod.types import ByteArray, Detections, IntArray

SPLIT: Final = "train"
"""Read unless another is asked for; validation videos are never trained on so."""


class StoredPictures:
    """Pictures of a video, read and stretched when asked for: VID has a million.

    Attributes:
        shape: T, H, W, 3.
    """

    def __init__(self, paths: Sequence[Path], preprocessing: Preprocessing) -> None:
        self._paths, self._preprocessing = list(paths), preprocessing
        self.shape = (len(paths), preprocessing.height, preprocessing.width, 3)

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[ByteArray]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> ByteArray:
        return self._preprocessing.resize(read_picture(self._paths[index]))


def read_labelled(
    root: Path,
    preprocessing: Preprocessing,
    *,
    split: str = SPLIT,
    most: int,
) -> list[Clip]:
    """Read the videos of a data set that have an object on two frames or more.

    Args:
        root: folder in the ILSVRC2015 VID layout, or a COCO-VID `.json`.
        preprocessing: the detector's, whose picture size the clips have.
        split: name of the list of frames.
        most: videos read; of more, so many evenly through the list.

    Raises:
        AnnotationError: something is missing or wrong, or no object is on two frames.
        VideoError: naming a picture that cannot be read.
    """
    truth = read_ground_truth(root, split)
    videos = list(truth.videos())
    chosen = np.unique(np.linspace(0, len(videos) - 1, min(most, len(videos))).round())
    clips = [_clip(truth, *videos[int(i)], preprocessing) for i in chosen]
    clips = [clip for clip in clips if clip.tracks]
    if not clips:
        raise AnnotationError(
            f"{root} has no object on two frames of a video in the list '{split}': "
            "there is no motion to learn. Track ids are needed."
        )
    return clips


def _clip(
    truth: GroundTruth, name: str, frames: IntArray, preprocessing: Preprocessing
) -> Clip:
    frames = frames[np.argsort(truth.frame_numbers[frames], kind="stable")]
    paths = [truth.image_path(int(frame)) for frame in frames]
    found: dict[int, list[tuple[int, DoubleArray]]] = {}
    for place, frame in enumerate(frames):
        rows = truth.objects_of(int(frame))
        unit = _unit(truth, int(frame), paths[place], preprocessing)
        # COCO's boxes are continuous already, see `GroundTruth`.
        boxes = truth.boxes[rows]
        boxes = boxes if truth.is_coco else continuous_boxes(boxes)
        for track, box in zip(truth.track_ids[rows], boxes * unit, strict=True):
            if track >= 0:
                found.setdefault(int(track), []).append((place, box))
    tracks = [
        Track(
            np.array([place for place, _ in seen], np.int32),
            np.array([box for _, box in seen], np.float32),
        )
        for seen in found.values()
        if len(seen) > 1
    ]
    nothing = [Detections.empty()] * len(paths)
    pictures = StoredPictures(paths, preprocessing)
    return Clip(name, pictures, nothing, tracks=tracks)


def _unit(
    truth: GroundTruth, frame: int, path: Path, preprocessing: Preprocessing
) -> DoubleArray:
    """Give what turns boxes of a picture into boxes of the stretched one, `(4,)`."""
    height, width = truth.frame_sizes[frame]
    if not height or not width:
        height, width = read_picture(path).shape[:2]
    across, along = preprocessing.width / width, preprocessing.height / height
    return np.array([across, along, across, along])
