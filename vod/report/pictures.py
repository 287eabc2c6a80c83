"""Frames of the worst snippets with what is there and what was found."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from vod.analysis.ranking import Ranking
from vod.canvas import Colour
from vod.draw import draw_boxes
from vod.ground_truth import BoolArray, DoubleArray
from vod.types import ByteArray

FOUND: Final[Colour] = (64, 196, 255)
"""A detection that takes an object."""
FALSE: Final[Colour] = (255, 138, 48)
"""A detection that takes none."""
MISSED: Final[Colour] = (255, 92, 205)
"""An object that nothing takes."""
TRUE: Final[Colour] = (255, 255, 255)
"""The object that a detection takes."""

FRAMES_A_SNIPPET: Final = 3
PICTURE_WIDTH: Final = 480  # pixels
_QUALITY: Final = 82  # of JPEG


@dataclass(frozen=True, eq=False, slots=True)
class Mistakes:
    """What is wrong in every frame (F) once weak detections are put aside.

    Attributes:
        ranking: of all detections.
        shown: `(K,)` ranked detections that reach their class's working score.
        found: `(G,)` objects that one of these takes.
        missed: `(F,)` objects that none takes.
        false: `(F,)` detections that take none.
    """

    ranking: Ranking
    shown: BoolArray
    found: BoolArray
    missed: npt.NDArray[np.int64]
    false: npt.NDArray[np.int64]


def find_mistakes(ranking: Ranking, working_scores: DoubleArray) -> Mistakes:
    """Count what is missed and what is wrong in every frame.

    Args:
        ranking: of all detections.
        working_scores: `(C,)` least score that counts, as `Curves.best_scores`.
    """
    truth = ranking.ground_truth
    shown = ranking.scores >= working_scores[ranking.labels]
    found = np.zeros(truth.num_objects, np.bool_)
    found[ranking.objects[shown & ranking.hits]] = True
    count = truth.num_frames
    missed = np.bincount(truth.object_frames[~found], minlength=count)
    false = np.bincount(ranking.frames[shown & ~ranking.hits], minlength=count)
    return Mistakes(ranking, shown, found, missed, false)


def telling_frames(
    mistakes: Mistakes, snippet: int, *, count: int = FRAMES_A_SNIPPET
) -> list[int]:
    """Choose frames of a snippet: the one with most mistakes in each stretch of it.

    Args:
        mistakes: of all frames.
        snippet: position in the list of snippets.
        count: stretches of equal length; fewer where there are fewer frames.

    Returns:
        Positions of frames, in time. A stretch without a mistake has none, unless no
        stretch has any: then its first.
    """
    truth = mistakes.ranking.ground_truth
    frames = np.flatnonzero(truth.frame_snippets == snippet)
    frames = frames[np.argsort(truth.frame_numbers[frames], kind="stable")]
    wrong = (mistakes.missed + mistakes.false)[frames]
    stretches = np.array_split(np.arange(len(frames)), min(count, len(frames)))
    best = [stretch[np.argmax(wrong[stretch])] for stretch in stretches]
    chosen = [place for place in best if wrong[place]] or best
    return [int(frames[place]) for place in chosen]


def draw_frame(mistakes: Mistakes, frame: int) -> ByteArray | None:
    """Draw a frame's objects and working detections on its picture.

    Returns:
        `(H, W, 3)` of at most `PICTURE_WIDTH`; None where the picture is not there.
    """
    path = mistakes.ranking.ground_truth.image_path(frame)
    data = np.fromfile(path, np.uint8) if path.is_file() else np.zeros(0, np.uint8)
    rgb = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
    if rgb is None:
        return None
    scale = min(1.0, PICTURE_WIDTH / rgb.shape[1])
    size = (round(rgb.shape[1] * scale), max(1, round(rgb.shape[0] * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    rows = list(_boxes_of(mistakes, frame))
    boxes = np.array([box for box, _, _ in rows], np.float64).reshape(-1, 4)
    # Files name the last pixel of a box; its far edge lies one further.
    edges = ((boxes + np.array([0, 0, 1, 1])) * scale).astype(np.float32)
    tags, colours = [tag for _, tag, _ in rows], [colour for _, _, colour in rows]
    return draw_boxes(np.asarray(small, np.uint8), edges, tags, colours)


def _boxes_of(
    mistakes: Mistakes, frame: int
) -> Iterator[tuple[DoubleArray, str, Colour]]:
    """Yield box, tag and colour of all that a picture shows, the most telling first."""
    ranking, truth = mistakes.ranking, mistakes.ranking.ground_truth
    objects = truth.objects_of(frame)
    for row in range(objects.start, objects.stop):
        if not mistakes.found[row]:
            name = truth.classes[truth.labels[row]]
            yield truth.boxes[row], f"missed {name}", MISSED
    detections = np.flatnonzero((ranking.frames == frame) & mistakes.shown)
    labels = np.searchsorted(ranking.starts, detections, side="right") - 1
    for hit in (False, True):
        for place, label in zip(detections, labels, strict=True):
            if ranking.hits[place] == hit:
                box = ranking.predictions.boxes[ranking.rows[place]]
                tag = f"{truth.classes[label]} {ranking.scores[place]:.2f}"
                yield box, tag, FOUND if hit else FALSE
    for row in range(objects.start, objects.stop):
        if mistakes.found[row]:
            yield truth.boxes[row], "", TRUE


def to_jpeg(rgb: ByteArray) -> bytes:
    """Encode a picture."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return data.tobytes()
