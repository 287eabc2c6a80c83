"""The paper's system over annotated videos: what is found, and how it looks."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from detector.fit_data import PictureStore
from detector.fit_measure import MEASURED, SHOWN, SHOWN_SCORE
from propagate.paper_detector import PaperDetector
from vod.dataset.annotated import AnnotatedPictures
from vod.draw import draw_detections
from vod.types import ByteArray, Detections


def detect_videos(
    detector: PaperDetector, pictures: AnnotatedPictures, interval: int
) -> dict[int, Detections]:
    """Give the detections of every frame by its index; each video begins anew.

    Raises:
        VideoError: a picture is missing or none.
    """
    store, truth = PictureStore(None, keep=False), pictures.truth
    found = {}
    for _, frames in truth.videos():
        shown = (store.read(pictures.path(int(frame)))[0] for frame in frames)
        found_in = detector.frames(shown, interval, MEASURED)
        for frame, boxes in zip(frames, found_in, strict=True):
            found[int(truth.frame_indices[frame])] = boxes
    return found


def draw_found(
    pictures: AnnotatedPictures, found: Mapping[int, Detections]
) -> dict[str, ByteArray]:
    """Draw what was found in a few frames, evenly spread; names say which they are."""
    truth, store, drawn = pictures.truth, PictureStore(None, keep=False), {}
    for frame in np.unique(np.linspace(0, len(pictures) - 1, SHOWN).astype(int)):
        boxes = found[int(truth.frame_indices[frame])]
        name = Path(truth.image_names[frame])
        drawn[f"found/{name.parent.name}_{name.stem}"] = draw_detections(
            store.read(pictures.path(int(frame)))[0],
            boxes.select(boxes.scores >= SHOWN_SCORE),
            pictures.classes,
            key_frame=False,
        )
    return drawn


def whole_videos(pictures: AnnotatedPictures, most: int) -> AnnotatedPictures:
    """Keep about so many frames, as whole videos that are spread over the list."""
    if len(pictures) <= most:
        return pictures
    count = len(pictures.truth.snippets)
    wanted = max(1, round(most * count / len(pictures)))
    kept = np.zeros(count, np.bool_)
    kept[np.linspace(0, count - 1, wanted).astype(int)] = True
    return pictures.select(kept[pictures.truth.frame_snippets])
