"""Small ground truths and result files in memory, for tests that score."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vod.ground_truth import GroundTruth
from vod.predictions import UNKNOWN_AGE, Predictions

Box = tuple[float, float, float, float]

CLASSES = ("dog", "cat")
DOG, CAT = 0, 1


def make_truth(
    videos: Mapping[str, int],
    *objects: tuple[str, int, int, Box, int],
    classes: Sequence[str] = CLASSES,
) -> GroundTruth:
    """Build videos of so many frames, numbered from 0, and listed from index 1.

    Args:
        videos: number of frames by name.
        objects: snippet, frame, label, box with its last pixel, track id.
        classes: names.
    """
    names = list(videos)
    first = dict(zip(names, np.cumsum([0, *videos.values()]).tolist(), strict=False))
    rows = sorted(objects, key=lambda row: first[row[0]] + row[1])
    total = sum(videos.values())
    return GroundTruth(
        classes=tuple(classes),
        snippets=tuple(names),
        frame_snippets=np.repeat(np.arange(len(names)), list(videos.values())).astype(
            np.int32
        ),
        frame_numbers=np.concatenate(
            [np.zeros(0, np.int32), *(np.arange(n) for n in videos.values())]
        ).astype(np.int32),
        frame_indices=np.arange(1, total + 1),
        frame_sizes=np.full((total, 2), 1000, np.int32),
        image_names=tuple(
            f"{name}/{frame:06d}.JPEG"
            for name, count in videos.items()
            for frame in range(count)
        ),
        image_root=Path("Data"),
        object_frames=np.array([first[r[0]] + r[1] for r in rows], np.int32),
        boxes=np.array([r[3] for r in rows], np.float64).reshape(-1, 4),
        labels=np.array([r[2] for r in rows], np.int32),
        track_ids=np.array([r[4] for r in rows], np.int32),
        occluded=np.zeros(len(rows), np.bool_),
        generated=np.zeros(len(rows), np.bool_),
    )


def make_found(
    *rows: tuple[int, int, float, Box],
    ages: Sequence[int] | None = None,
    classes: Sequence[str] = CLASSES,
) -> Predictions:
    """Build detections from (frame index, label, score, box) rows."""
    return Predictions(
        tuple(classes),
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int32),
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.float64).reshape(-1, 4),
        np.full(len(rows), UNKNOWN_AGE, np.int32)
        if ages is None
        else np.array(ages, np.int32),
    )


def square(left: float, top: float, side: float) -> Box:
    """Give a box of so many pixels a side."""
    return (left, top, left + side - 1, top + side - 1)


def random_scene(seed: int, *, videos: int = 4) -> tuple[GroundTruth, Predictions]:
    """Build videos with moving objects, and detections near them and elsewhere.

    Scores are all different; some boxes have the wrong class, some come twice.
    """
    rng = np.random.default_rng(seed)
    objects: list[tuple[str, int, int, Box, int]] = []
    rows: list[tuple[int, int, Box]] = []
    for video in range(videos):
        for track in range(int(rng.integers(1, 4))):
            label, left, top = rng.integers(0, 3), *rng.integers(0, 300, 2)
            side = int(rng.integers(8, 150))
            for frame in range(6):
                box = square(float(left + 4 * frame), float(top), side)
                objects.append((f"v{video}", frame, int(label), box, track))
                for _ in range(int(rng.integers(0, 4))):
                    shift = rng.normal(0, 0.2 * side, 4).round(1)
                    called = label if rng.random() < 0.7 else rng.integers(0, 3)
                    near = tuple((np.array(box) + shift).tolist())
                    rows.append((video * 6 + frame + 1, int(called), near))
        for frame in range(6):
            box = square(*map(float, rng.integers(0, 400, 2)), 60)
            rows.append((video * 6 + frame + 1, int(rng.integers(0, 3)), box))
    scores = rng.permutation(len(rows)) / len(rows)
    classes = ("dog", "cat", "bear")
    truth = make_truth(
        {f"v{video}": 6 for video in range(videos)}, *objects, classes=classes
    )
    found = (
        (i, label, float(score), box)
        for (i, label, box), score in zip(rows, scores, strict=True)
    )
    return truth, make_found(*found, classes=classes)
