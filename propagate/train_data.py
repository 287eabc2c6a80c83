"""Clips that flow and box refiner are trained on: pictures, and where objects are.

The detector, run on every frame, says where they are, unless the clip is annotated.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from detector.detector import Detector
from detector.postprocess import PostprocessConfig
from vod.errors import ConfigError, VideoError
from vod.images import find_images
from vod.sources import open_source
from vod.types import Detections, FloatArray, IntArray

logger = logging.getLogger(__name__)

VIDEO_SUFFIXES: Final = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v"})


@dataclass(frozen=True, slots=True)
class PairConfig:
    """Which pairs are drawn, and how they are changed.

    Attributes:
        distances: frames between the two pictures; a repeated number is likelier.
        max_frames: of a clip; later ones are not read.
        smallest_crop: least share of the picture's sides that a crop keeps.
        photometric: strength of the earlier picture's change of light.
        noise: greatest standard deviation of pixel noise, in grey values.
        boxes: most boxes of a pair; the best are taken.
        score_threshold: of the detector's boxes that are followed.
        matching_iou: least overlap of a box with itself in the other frame, after the
            teacher's flow has moved it.
    """

    distances: tuple[int, ...] = (1, 1, 1, 2, 2, 3, 4)
    max_frames: int = 400
    smallest_crop: float = 0.6
    photometric: float = 0.4
    noise: float = 4.0
    boxes: int = 6
    score_threshold: float = 0.35
    matching_iou: float = 0.4

    def __post_init__(self) -> None:
        if not self.distances or min(self.distances) < 1:
            raise ConfigError("distances must be a list of frames, 1 or more each.")
        if not 0 < self.smallest_crop <= 1:
            raise ConfigError("smallest_crop must lie in (0, 1].")


class Pictures(Protocol):
    """`(T, H, W, 3)` uint8: an array, or pictures that are read when asked for."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """T, H, W, 3."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __getitem__(self, index: Any, /) -> Any: ...


@dataclass(frozen=True, eq=False, slots=True)
class Track:
    """One object through a clip, its boxes known exactly.

    Attributes:
        frames: `(A,)` ascending.
        boxes: `(A, 4)` in pixels of the clip's pictures, on these frames.
    """

    frames: IntArray
    boxes: FloatArray

    def on(self, frame: int) -> FloatArray:
        """Give its box on a frame, `(1, 4)`, or `(0, 4)` where it has none."""
        return self.boxes[self.frames == frame]


@dataclass(eq=False, slots=True)
class Clip:
    """One video as training needs it.

    Attributes:
        name: for messages.
        pictures: of the detector's input size.
        detections: of every frame, in pixels of `pictures`; the detector's, or none
            where there are tracks.
        flows: teacher's flow by (current, earlier) frame, when first asked for.
        tracks: annotated objects; None where only the detector tells.
    """

    name: str
    pictures: Pictures
    detections: list[Detections]
    flows: dict[tuple[int, int], npt.NDArray[np.float16]] = field(default_factory=dict)
    tracks: Sequence[Track] | None = None


def find_clips(roots: Sequence[Path]) -> list[Path]:
    """List the videos and folders of frames at or below the given paths.

    Raises:
        VideoError: a path has none.
    """
    clips: list[Path] = []
    for root in roots:
        found = [root] if root.is_file() else sorted(_below(root))
        if not found:
            raise VideoError(f"{root} holds no video and no folder of pictures.")
        clips += found
    return clips


def _below(root: Path) -> list[Path]:
    videos = [p for p in root.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES]
    folders = [p for p in [root, *root.rglob("*")] if p.is_dir() and _is_sequence(p)]
    return videos + folders


def _is_sequence(folder: Path) -> bool:
    if not any(folder.iterdir()):
        return False
    try:
        return len(find_images(str(folder)) or ()) > 1
    except VideoError:
        return False


def read_clip(path: Path, detector: Detector, config: PairConfig) -> Clip:
    """Decode a clip, shrink its frames, and run the detector on all of them.

    Raises:
        VideoError: it cannot be read, or has fewer than two frames.
    """
    pictures, found = [], []
    threshold = PostprocessConfig(score_threshold=config.score_threshold)
    with open_source(str(path), max_frames=config.max_frames) as source:
        for frame in source:
            picture = detector.preprocessing.resize(frame.rgb)
            maps = detector.features(detector.preprocessing.input_of(picture))
            height, width = picture.shape[:2]
            pictures.append(picture)
            found.append(
                detector.detect(
                    maps,
                    frame_height=height,
                    frame_width=width,
                    postprocess=threshold,
                )
            )
    if len(pictures) < 2:
        raise VideoError(f"{path} has fewer than two frames; training needs motion.")
    return Clip(path.name, np.stack(pictures), found)


def read_clips(
    roots: Sequence[Path], detector: Detector, config: PairConfig
) -> list[Clip]:
    """Read every clip at or below the given paths.

    Raises:
        VideoError: naming what cannot be read.
    """
    clips = []
    for path in find_clips(roots):
        clips.append(read_clip(path, detector, config))
        logger.info("%s: %d frames", path.name, len(clips[-1].pictures))
    return clips
