import numpy as np
import pytest

from propagate.linking import (
    LinkingConfig,
    link_detections,
    seq_nms,
    seq_nms_windows,
)
from tests.builders import make_detections
from vod.errors import ConfigError
from vod.types import Detections

HERE = (0, 0, 10, 10)
BESIDE = (4, 0, 14, 10)  # IoU with HERE 6/14: suppressed at 0.3, not linked at 0.5
STRICT = LinkingConfig(suppress_iou=0.3)
AWAY = (50, 50, 60, 60)


def scores(frames):
    return [found.scores.tolist() for found in frames]


def test_boxes_of_a_sequence_share_their_mean_score():
    frames = [make_detections((HERE, s, 0)) for s in (0.9, 0.3, 0.6)]
    assert scores(seq_nms(frames)) == [[pytest.approx(0.6)]] * 3


def test_boxes_of_a_sequence_may_share_its_best_score():
    frames = [make_detections((HERE, s, 0)) for s in (0.9, 0.3, 0.6)]
    best = seq_nms(frames, config=LinkingConfig(rescore="max"))
    assert scores(best) == [[pytest.approx(0.9)]] * 3


def test_what_overlaps_a_better_sequence_goes_even_where_it_scores_higher():
    frames = [
        make_detections((HERE, 0.8, 0)),
        make_detections((BESIDE, 0.9, 0), (HERE, 0.4, 0)),
        make_detections((HERE, 0.6, 0)),
    ]
    kept = seq_nms(frames, config=STRICT)
    assert [found.boxes.tolist() for found in kept] == [[list(HERE)]] * 3
    assert scores(kept) == [[pytest.approx(0.6)]] * 3


def test_overlap_up_to_the_threshold_is_kept():
    frames = [make_detections((HERE, 0.8, 0), (BESIDE, 0.4, 0))]
    kept = seq_nms(frames, config=LinkingConfig(suppress_iou=6 / 14 + 1e-4))
    assert scores(kept) == [[pytest.approx(0.8), pytest.approx(0.4)]]


def test_classes_neither_link_nor_suppress_each_other():
    frames = [
        make_detections((HERE, 0.8, 0), (HERE, 0.2, 1)),
        make_detections((HERE, 0.4, 1)),
    ]
    kept = seq_nms(frames)
    assert scores(kept) == [
        [pytest.approx(0.8), pytest.approx(0.3)],
        [pytest.approx(0.3)],
    ]
    assert kept[0].labels.tolist() == [0, 1]


def test_a_frame_without_the_object_cuts_its_sequence():
    frames = [
        make_detections((HERE, 0.9, 0)),
        Detections.empty(),
        make_detections((HERE, 0.3, 0)),
    ]
    assert scores(seq_nms(frames)) == [[pytest.approx(0.9)], [], [pytest.approx(0.3)]]


def test_the_greatest_sum_wins_over_the_best_start():
    # AWAY sums 0.3 + 0.9, HERE 0.6 + 0.5, though HERE is better where both are.
    frames = [
        make_detections((HERE, 0.6, 0)),
        make_detections((HERE, 0.5, 0), (AWAY, 0.3, 0)),
        make_detections((AWAY, 0.9, 0)),
    ]
    kept = link_detections(frames)
    sequence = {
        (frame, row): number
        for frame, linked in enumerate(kept)
        for row, number in zip(
            linked.rows.tolist(), linked.sequences.tolist(), strict=True
        )
    }
    assert sequence[1, 1] == sequence[2, 0] == 0  # 1.2 before 1.1
    assert sequence[0, 0] == sequence[1, 0] == 1


def test_a_taken_sequence_leaves_the_rest_of_what_it_crossed():
    # Both boxes of frame 0 link to the one of frame 1: the loser stays alone.
    frames = [
        make_detections(((0, 0, 10, 10), 0.6, 0), ((4, 0, 14, 10), 0.5, 0)),
        make_detections(((2, 0, 12, 10), 0.7, 0)),
    ]
    kept = seq_nms(frames, config=LinkingConfig(suppress_iou=0.5))
    assert scores(kept) == [
        [pytest.approx(0.65), pytest.approx(0.5)],
        [pytest.approx(0.65)],
    ]


def test_a_video_without_detections_stays_empty():
    assert seq_nms([]) == []
    assert [len(found) for found in seq_nms([Detections.empty()] * 2)] == [0, 0]


def test_each_frame_comes_out_best_score_first():
    frames = [
        make_detections((HERE, 0.9, 0), (AWAY, 0.8, 0)),
        make_detections((AWAY, 0.8, 0), (HERE, 0.1, 0)),
    ]
    kept = seq_nms(frames)
    assert scores(kept) == [[pytest.approx(0.8), pytest.approx(0.5)]] * 2
    assert kept[0].boxes[0].tolist() == list(AWAY)


def test_sequences_end_where_a_window_does():
    frames = [make_detections((HERE, s, 0)) for s in (0.9, 0.3, 0.6)]
    kept = list(seq_nms_windows(iter(frames), window=2))
    assert scores(kept) == [[pytest.approx(0.6)]] * 3
    assert scores(seq_nms_windows(frames, window=1)) == scores(frames)


def test_a_window_asks_only_for_its_own_frames():
    asked = []

    def source():
        for index in range(10):
            asked.append(index)
            yield make_detections((HERE, 0.5, 0))

    next(seq_nms_windows(source(), window=3))
    assert asked == [0, 1, 2]


@pytest.mark.parametrize("name", ["link_iou", "suppress_iou"])
def test_an_overlap_outside_0_to_1_is_refused(name):
    with pytest.raises(ConfigError, match=rf"{name} must lie in \[0, 1\], received 2"):
        LinkingConfig(**{name: 2.0})


def test_an_unknown_rescoring_is_refused():
    with pytest.raises(ConfigError, match="'mean' or 'max', received 'sum'"):
        LinkingConfig(rescore="sum")


def test_a_window_without_frames_is_refused():
    with pytest.raises(ConfigError, match="window must be 1 or more, received 0"):
        list(seq_nms_windows([], window=0))


def test_boxes_and_labels_stay_as_they_were():
    found = make_detections((HERE, 0.9, 3))
    kept = seq_nms([found])[0]
    np.testing.assert_array_equal(kept.boxes, found.boxes)
    assert kept.labels.tolist() == [3]
