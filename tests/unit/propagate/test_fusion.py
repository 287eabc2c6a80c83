"""Two sets of boxes become one."""

import numpy as np
import pytest

from propagate.fusion import LEAST_OVERLAP, associate, fuse
from propagate.paths import Path
from propagate.tracked import Tracked
from tests.builders import make_detections
from vod.boxes import pairwise_iou
from vod.types import Detections

HERE, RIGHT, FAR = (0, 0, 10, 10), (5, 0, 15, 10), (40, 40, 50, 50)  # IoU 1/3, 0
FRAME = (60, 60)


def path(*frames, score=0.9, labels=None, key_frame=0, back=False, **changes):
    """Boxes on one frame after another, as carried from a key frame."""
    labels = labels or [0] * len(frames[0])
    scores = score if isinstance(score, list) else [score] * len(frames[0])
    rows = zip(frames[0], scores, labels, strict=True)
    found = Tracked.fresh(make_detections(*rows), key_frame)
    ages = np.arange(1, len(frames) + 1, dtype=np.int32)
    shape = (len(frames), len(labels))
    facts = {
        "ages": ages[::-1] - 1 if back else ages,
        "boxes": np.float32(frames).reshape(*shape, 4),
        "shifts": np.zeros(shape, np.float32),
        "confidences": np.ones(shape, np.float32),
    }
    return Path(found=found, **{**facts, **changes})


def pairs_of(ahead, back):
    found = associate(ahead, back)
    return list(zip(found.first.tolist(), found.second.tolist(), strict=True))


def fused(ahead, back):
    return fuse(ahead, back, associate(ahead, back))


def test_boxes_that_overlap_are_one_object():
    found = associate(path([FAR, HERE]), path([RIGHT]))
    assert (found.first.tolist(), found.second.tolist()) == ([1], [0])
    assert found.first_alone.tolist() == [0]
    assert found.second_alone.tolist() == []


def test_boxes_of_two_classes_are_two_objects():
    assert pairs_of(path([HERE]), path([HERE], labels=[1])) == []


def test_the_overlap_is_the_mean_over_the_frames():
    # IoU 1/3 is enough, (1 + 0 + 0) / 3 too, (1/3 + 0) / 2 is not.
    assert pairs_of(path([HERE]), path([RIGHT])) == [(0, 0)]
    assert pairs_of(path(*[[HERE]] * 3), path([HERE], [FAR], [FAR])) == [(0, 0)]
    assert pairs_of(path(*[[HERE]] * 2), path([RIGHT], [FAR])) == []


def wide(*lefts):
    """Boxes 20 pixels wide in one row: d pixels apart, IoU (20 - d) / (20 + d)."""
    return path([(left, 0, left + 20, 10) for left in lefts])


def test_pairs_have_the_greatest_overlap_in_all():
    # The best single pair is (0, 0), 18/22; with (1, 1), 4/36, that is less than
    # 13/27 twice.
    assert pairs_of(wide(0, 9), wide(2, -7)) == [(0, 1), (1, 0)]
    # Two pixels on, it is more than 13/27 + 11/29; 2/38 is too little for a pair.
    assert pairs_of(wide(0, 11), wide(2, -7)) == [(0, 0)]


def test_an_empty_side_leaves_the_other_alone():
    none, one = path([], []), path([HERE], [HERE])
    for ahead, back, alone in ((one, none, (1, 0)), (none, one, (0, 1))):
        found = associate(ahead, back)
        assert len(found.first) == len(found.second) == 0
        assert (len(found.first_alone), len(found.second_alone)) == alone
        assert fused(ahead, back).boxes.tolist() == [[list(HERE)]]


def test_a_pair_is_the_mean_weighted_by_nearness():
    ahead = path(*[[(0, 0, 8, 8)]] * 4, score=0.8, labels=[3], key_frame=10)
    back = path(*[[(2, 0, 10, 12)]] * 4, score=0.4, labels=[3], back=True)
    found = fused(ahead, back)
    assert found.boxes[:, 0].tolist() == [
        [0.5, 0, 8.5, 9],
        [1, 0, 9, 10],
        [1.5, 0, 9.5, 11],
    ]
    assert found.scores[:, 0].tolist() == pytest.approx([0.7, 0.6, 0.5])
    assert found.labels.tolist() == [3]


def test_a_pair_comes_from_the_nearer_key_frame_and_of_equals_from_the_first():
    half = np.full((4, 1), 0.5, np.float32)
    far = np.float32([[1], [2], [3], [4]])
    ahead = path(*[[HERE]] * 4, key_frame=10, confidences=half, shifts=far)
    back = path(*[[HERE]] * 4, key_frame=14, back=True, shifts=far + 4)
    found = fused(ahead, back)
    assert found.key_frames[:, 0].tolist() == [10, 10, 14]
    assert found.ages[:, 0].tolist() == [1, 2, 1]
    assert found.shifts[:, 0].tolist() == [1, 2, 7]
    assert found.confidences[:, 0].tolist() == pytest.approx([0.625, 0.75, 0.875])


def test_a_lone_boxs_score_falls_with_the_root_of_the_distance():
    ahead = path(*[[HERE]] * 4, score=0.8)
    back = path(*[[FAR]] * 4, score=0.8, labels=[1], key_frame=4, back=True)
    found = fused(ahead, back)
    # On the third frame: nearness 1/4 to the first key frame, 3/4 to the second.
    assert found.scores[2].tolist() == pytest.approx([0.4, 0.8 * 0.75**0.5])
    assert found.boxes[2].tolist() == [list(HERE), list(FAR)]
    assert found.key_frames[2].tolist() == [0, 4]


def test_a_fused_set_is_single_precision():
    found = fused(path(*[[HERE, FAR]] * 3), path(*[[RIGHT]] * 3, back=True))
    kinds = {a.dtype for a in (found.boxes, found.scores, found.confidences)}
    assert kinds == {np.dtype(np.float32)}
    assert {a.dtype for a in (found.ages, found.key_frames)} == {np.dtype(np.int32)}


def drifting(random, count, frames):
    """Boxes that drift, some beyond the frame, many of them over each other."""
    corner = random.uniform(-15, 50, (count, 2))
    start = np.concatenate([corner, corner + random.uniform(2, 25, (count, 2))], 1)
    drift = random.normal(0, 1.5, (count, 2)).repeat(2).reshape(count, 2, 2)
    drift = drift.transpose(0, 2, 1).reshape(count, 4)
    return [start + drift * step for step in range(frames)]


def one_frame(ahead, back, pairs, place):
    """The same objects of a single frame, one `Tracked`, box by box."""
    share = (place + 1) / len(ahead)
    rows = []
    for i, j in zip(pairs.first, pairs.second, strict=True):
        nearer, row = (ahead, i) if share <= 0.5 else (back, j)
        score = (1 - share) * ahead.found.detections.scores[i]
        score += share * back.found.detections.scores[j]
        box = (1 - share) * ahead.boxes[place, i] + share * back.boxes[place, j]
        sure = (1 - share) * ahead.confidences[place, i]
        sure += share * back.confidences[place, j]
        rows.append((nearer, row, box, score, sure))
    alone = ((ahead, pairs.first_alone, 1 - share), (back, pairs.second_alone, share))
    for side, lone, near in alone:
        for i in lone:
            score = side.found.detections.scores[i] * np.sqrt(near)
            sure = side.confidences[place, i]
            rows.append((side, i, side.boxes[place, i], score, sure))
    return Tracked(
        Detections(
            np.float32([row[2] for row in rows]).reshape(-1, 4),
            np.float32([row[3] for row in rows]),
            np.int32([side.found.detections.labels[i] for side, i, *_ in rows]),
        ),
        np.int32([side.found.key_frames[i] for side, i, *_ in rows]),
        np.int32([side.ages[place] for side, *_ in rows]),
        np.float32([side.shifts[place, i] for side, i, *_ in rows]),
        np.float32([row[4] for row in rows]),
    )


@pytest.mark.parametrize("seed", range(8))
def test_all_frames_at_once_are_each_frame_alone(seed):
    random = np.random.default_rng(seed)
    frames, counts = 6, random.integers(0, 12, 2)
    sides = []
    for count, back in zip(counts, (False, True), strict=True):
        shape = (frames, count)
        sides.append(
            path(
                *drifting(random, count, frames),
                score=random.choice([0.3, 0.5, 0.7, 0.9], count).tolist(),
                labels=random.integers(0, 2, count).tolist(),
                key_frame=6 if back else 0,
                back=back,
                shifts=random.uniform(0, 9, shape).astype(np.float32),
                confidences=random.uniform(0, 1, shape).astype(np.float32),
            )
        )
    pairs = associate(*sides)
    wanted = {"threshold": 0.4, "limit": 5}
    found = fuse(*sides, pairs).shown(frame_size=FRAME, iou_threshold=0.4, **wanted)
    assert len(found) == frames - 1
    for place, there in enumerate(found):
        alone = one_frame(*sides, pairs, place).distinct(iou_threshold=0.4)
        expected = alone.shown(frame_size=FRAME, **wanted)
        for name in ("key_frames", "ages", "shifts", "confidences"):
            one, other = getattr(there, name), getattr(expected, name)
            np.testing.assert_allclose(one, other, rtol=1e-6)
        for name in ("boxes", "scores", "labels"):
            one, other = (getattr(t.detections, name) for t in (there, expected))
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_the_mean_overlap_is_that_of_the_frames_one_by_one():
    random = np.random.default_rng(3)
    ahead, back = (path(*drifting(random, 7, 5)) for _ in range(2))
    mean = np.mean(
        [pairwise_iou(a, b) for a, b in zip(ahead.boxes, back.boxes, strict=True)], 0
    )
    pairs = associate(ahead, back)
    assert len(pairs.first)
    assert (mean[pairs.first, pairs.second] >= LEAST_OVERLAP).all()
