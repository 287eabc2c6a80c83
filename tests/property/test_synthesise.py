"""A generated set has exactly the size that was asked for, and holds together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vod.dataset.synthesis import SetSize, synthesise_ground_truth
from vod.dataset.synthesis_detections import Quality, synthesise_predictions

sizes = st.integers(1, 8).flatmap(
    lambda snippets: st.builds(
        SetSize,
        frames=st.integers(snippets, 60),
        snippets=st.just(snippets),
        objects=st.integers(0, 200),
    )
)


@given(sizes, st.integers(0, 2**32))
def test_sizes_are_exact_and_every_column_fits(size, seed):
    truth = synthesise_ground_truth(size, seed)
    assert truth.num_frames == size.frames
    assert truth.num_objects == len(truth.boxes) == size.objects
    assert set(truth.frame_snippets.tolist()) == set(range(size.snippets))
    assert (np.diff(truth.object_frames) >= 0).all()
    heights, widths = truth.frame_sizes[truth.object_frames].T
    assert (truth.boxes[:, :2] >= 0).all()
    assert (truth.boxes[:, 2:] >= truth.boxes[:, :2]).all()
    assert (truth.boxes[:, 2] < widths).all()
    assert (truth.boxes[:, 3] < heights).all()
    assert (truth.boxes == truth.boxes.round()).all()
    for _, frames in truth.videos():
        assert truth.frame_numbers[frames].tolist() == list(range(len(frames)))


@given(sizes, st.integers(0, 2**32))
def test_a_track_is_one_object_of_one_class_in_consecutive_frames(size, seed):
    truth = synthesise_ground_truth(size, seed)
    snippets = truth.frame_snippets[truth.object_frames]
    tracks = {}
    for row in range(truth.num_objects):
        key = int(snippets[row]), int(truth.track_ids[row])
        tracks.setdefault(key, []).append(row)
    for rows in tracks.values():
        frames = truth.object_frames[rows]
        assert (np.diff(frames) == 1).all()
        assert len(set(truth.labels[rows].tolist())) == 1


@given(sizes, st.integers(0, 300), st.floats(0, 1), st.floats(0, 2), st.floats(0, 1))
def test_detections_are_as_many_as_asked_for_and_repeatable(
    size, count, recall, jitter, confusion
):
    truth = synthesise_ground_truth(size)
    quality = Quality(recall, jitter, confusion)
    one, other = (synthesise_predictions(truth, count, quality, 3) for _ in range(2))
    assert len(one) == count
    for name in ("indices", "labels", "scores", "boxes"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert np.isin(one.indices, truth.frame_indices).all()
    assert ((one.labels >= 0) & (one.labels < len(truth.classes))).all()
