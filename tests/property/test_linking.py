"""Seq-NMS against one that tries every sequence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from propagate.linking import LinkingConfig, link_detections, seq_nms
from vod.boxes import pairwise_iou
from vod.types import Detections


@st.composite
def videos(draw):
    """Few boxes in few frames, so near each other that many link and overlap."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frames = []
    for count in draw(st.lists(st.integers(0, 4), min_size=1, max_size=6)):
        corner = rng.uniform(0, 8, (count, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(8, 12, (count, 2))], 1)
        scores = np.sort(rng.uniform(0.01, 1, count))[::-1]
        frames.append(
            Detections(
                boxes.astype(np.float32),
                scores.astype(np.float32),
                rng.integers(0, 2, count).astype(np.int32),
            )
        )
    return frames


def plain(frames, config):
    """Score by trying every sequence of what is left, again and again."""
    alive = {(f, i) for f, found in enumerate(frames) for i in range(len(found))}
    result = {}

    def box(node):
        return frames[node[0]].boxes[node[1]][None]

    def label(node):
        return frames[node[0]].labels[node[1]]

    def overlap(one, other):
        return label(one) == label(other) and pairwise_iou(box(one), box(other))[0, 0]

    def score(node):
        return float(frames[node[0]].scores[node[1]])

    def paths(node):
        yield [node]
        for after in [n for n in alive if n[0] == node[0] + 1]:
            if overlap(node, after) > config.link_iou:
                for rest in paths(after):
                    yield [node, *rest]

    while alive:
        best = max(
            (path for node in alive for path in paths(node)),
            key=lambda path: sum(map(score, path)),
        )
        values = [score(node) for node in best]
        shared = np.mean(values) if config.rescore == "mean" else max(values)
        for node in best:
            result[node] = shared
            alive -= {
                other
                for other in alive
                if other[0] == node[0] and overlap(node, other) > config.suppress_iou
            }
        alive -= set(best)
    return result


@given(videos(), st.sampled_from(["mean", "max"]), st.sampled_from([0.2, 0.3, 0.6]))
def test_it_finds_what_trying_every_sequence_finds(frames, rescore, suppress):
    config = LinkingConfig(suppress_iou=suppress, rescore=rescore)
    found = {
        (frame, row): score
        for frame, linked in enumerate(link_detections(frames, config))
        for row, score in zip(linked.rows.tolist(), linked.scores.tolist(), strict=True)
    }
    expected = plain(frames, config)
    assert found.keys() == expected.keys()
    for node, score in expected.items():
        assert found[node] == pytest.approx(score, abs=1e-6)


@given(videos())
def test_it_never_invents_or_doubles_a_box(frames):
    for found, kept in zip(frames, seq_nms(frames), strict=True):
        rows = {tuple(row) for row in found.boxes.tolist()}
        left = [tuple(row) for row in kept.boxes.tolist()]
        assert set(left) <= rows
        assert len(left) == len(set(left))
        assert np.all(np.diff(kept.scores) <= 0)


@given(videos())
def test_no_two_boxes_of_a_class_overlap_more_than_allowed(frames):
    for kept in seq_nms(frames):
        same = kept.labels[:, None] == kept.labels[None]
        overlap = np.triu(pairwise_iou(kept.boxes, kept.boxes) * same, 1)
        assert not (overlap > LinkingConfig().suppress_iou).any()


@given(videos())
def test_a_sequence_has_one_box_a_frame_in_neighbouring_frames(frames):
    frames_of = {}
    for frame, linked in enumerate(link_detections(frames)):
        for number in linked.sequences.tolist():
            frames_of.setdefault(number, []).append(frame)
    for members in frames_of.values():
        assert members == list(range(members[0], members[0] + len(members)))
