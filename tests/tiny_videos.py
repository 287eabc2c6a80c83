"""Generated videos in ImageNet VID's layout, which a tiny detector learns by heart."""

from pathlib import Path

import cv2
import numpy as np

from vod.dataset.building import GroundTruthBuilder
from vod.dataset.layout_writing import write_layout
from vod.ground_truth import GroundTruth

HEIGHT, WIDTH = 64, 96
CLASSES = ("car", "dog")
COLOURS = ((230, 40, 40), (40, 80, 230))


def box_at(snippet: int, frame: int) -> tuple[float, float, float, float]:
    """A 36 x 28 box that moves a pixel a frame, to the right or down."""
    x, y = (10 + frame, 8) if snippet == 0 else (44, 8 + frame)
    return x, y, x + 36, y + 28


def picture(snippet: int, frame: int) -> np.ndarray:
    rng = np.random.default_rng(snippet)
    rgb = rng.integers(90, 150, (HEIGHT, WIDTH, 3), np.uint8)
    rgb = cv2.GaussianBlur(rgb, (0, 0), 2)
    x1, y1, x2, y2 = map(int, box_at(snippet, frame))
    rgb[y1:y2, x1:x2] = COLOURS[snippet]
    return rgb


def write_videos(
    root: Path, *, frames: int = 8, splits: tuple[str, ...] = ("train", "val")
) -> Path:
    """Write two videos, one a class, the same ones in every split."""
    for split in splits:
        write_layout(_truth(frames), root, split, place_picture=_place(frames))
    return root


def _truth(frames: int) -> GroundTruth:
    builder = GroundTruthBuilder(CLASSES, Path("pictures"))
    for snippet in range(2):
        for frame in range(frames):
            image = Path(f"pictures/{snippet}/{frame:06d}.JPEG")
            builder.add_frame(
                f"video_{snippet}", frame, image=image, size=(HEIGHT, WIDTH)
            )
            builder.add_object(box_at(snippet, frame), snippet, track_id=0)
    return builder.build()


def _place(frames: int):
    def place(position: int, path: Path) -> None:
        rgb = picture(position // frames, position % frames)
        cv2.imwrite(str(path), rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])

    return place
