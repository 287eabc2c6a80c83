"""Ways through two tiny snippets, with the toy detector and flow, worked by hand."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from propagate.config import PipelineConfig
from propagate.detector_choice import DetectorChoice
from propagate.keyframes import Adaptive, FixedInterval
from propagate.ways import (
    MODES,
    Found,
    Networks,
    Way,
    configs_of_snippets,
    detect_ways,
    frames_of,
    read_snippet,
    time_ways,
    ways_of,
)
from tests.scenes import make_truth
from tests.toy_pipeline import BrightestPixelFlow, dot_frame, make_parts
from vod.errors import ConfigError, VideoError

LENGTHS = {"right": 3, "down": 4}


def box_at(x, y):
    """The toy detector's box around a dot, with its last pixel."""
    return (x - 0.5, y - 0.5, x + 0.5, y + 0.5)


@pytest.fixture
def truth(tmp_path):
    """A dot that goes 2 pixels right a frame, and one that goes 1 down."""
    dots = {
        "right": [(1 + 2 * i, 3) for i in range(3)],
        "down": [(4, 2 + i) for i in range(4)],
    }
    objects = []
    for name, places in dots.items():
        (tmp_path / name).mkdir()
        for frame, (x, y) in enumerate(places):
            picture = dot_frame(frame, x, y).rgb[..., ::-1]
            _, data = cv2.imencode(".png", picture)  # JPEG would blur the dot
            data.tofile(tmp_path / name / f"{frame:06d}.JPEG")
            objects.append((name, frame, 0, box_at(x, y), 0))
    made = make_truth(LENGTHS, *objects, classes=("dot",))
    return replace(made, image_root=tmp_path)


@pytest.fixture
def networks():
    toy = Networks(make_parts(), {"toy": BrightestPixelFlow()}, "boxes")
    return toy.with_threshold(0.05)  # as for scores: below what offline asks for


def test_ways_are_listed_interval_by_interval():
    ways = ways_of(modes=MODES, flows=["a", "b"], intervals=[5, 10, 5], travels="boxes")
    assert ways[0] == Way("per-frame", None, 1)
    assert ways[1:6] == [
        Way("hold", None, 5),
        Way("causal", "a", 5),
        Way("causal", "b", 5),
        Way("offline", "a", 5),
        Way("offline", "b", 5),
    ]
    assert len(ways) == 11


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modes": ["ofline"]}, "unknown mode 'ofline'. Did you mean 'offline'"),
        ({"flows": ["none"]}, "flow 'none' is the mode hold"),
        ({"intervals": [10, 0]}, "1 or more, received 0"),
        ({"travels": "maps"}, "maps travel in one direction"),
    ],
)
def test_what_cannot_be_compared_is_refused(changes, message):
    wanted = {"modes": MODES, "flows": ["a"], "intervals": [10], "travels": "boxes"}
    with pytest.raises(ConfigError, match=message):
        ways_of(**wanted | changes)


def test_each_mode_finds_what_it_should(truth, networks):
    ways = ways_of(modes=MODES, flows=["toy"], intervals=[3], travels="boxes")
    per_frame, hold, causal, offline = detect_ways(networks, truth, ways)
    moving = [[0.5, 2.5, 2.5, 4.5], [2.5, 2.5, 4.5, 4.5], [4.5, 2.5, 6.5, 4.5]]
    for found in (per_frame, causal, offline):
        boxes = [found.detections[i].boxes.tolist() for i in (1, 2, 3)]
        assert boxes == [[box] for box in moving]
    assert [hold.detections[i].boxes.tolist() for i in (1, 2, 3)] == [[moving[0]]] * 3
    # Key frames: all; 0 | 0, 3; and offline the last frame as well.
    assert [f.key_frames for f in (per_frame, hold, causal, offline)] == [7, 3, 3, 4]
    assert list(per_frame.detections) == [1, 2, 3, 4, 5, 6, 7]


def test_adaptive_key_frames_follow_the_budget(truth, networks):
    ways = ways_of(
        modes=["hold", "causal"],
        flows=["toy"],
        intervals=[2],
        travels="boxes",
        policies=["fixed", "adaptive"],
    )
    assert [way.keyframes for way in ways] == ["fixed", "fixed", "adaptive"]
    policies = [networks.parts(way).keyframes for way in ways]
    assert policies == [FixedInterval(2), FixedInterval(2), Adaptive(2)]
    for found in detect_ways(networks, truth, ways):
        assert found.detections.keys() == {*range(1, 8)}


def test_snippets_of_several_shapes_have_a_config_each(tmp_path):
    shapes = {"wide": (36, 64), "square": (40, 40), "film": (27, 48)}
    for name, (height, width) in shapes.items():
        (tmp_path / name).mkdir()
        _, data = cv2.imencode(".png", np.zeros((height, width, 3), np.uint8))
        data.tofile(tmp_path / name / "000000.JPEG")
    truth = replace(make_truth(dict.fromkeys(shapes, 1)), image_root=tmp_path)
    plain = PipelineConfig()
    assert configs_of_snippets(plain, truth) == {plain: list(shapes)}
    stated = PipelineConfig(detector=DetectorChoice(pixels=66000))
    found = configs_of_snippets(stated, truth)
    assert {c.detector.size: names for c, names in found.items()} == {
        (236, 268): ["wide", "film"],
        (268, 268): ["square"],
    }


def test_some_snippets_and_the_others_are_all(truth, networks):
    ways = [Way("hold", None, 2), Way("causal", "toy", 2)]
    some, others = (
        detect_ways(networks, truth, ways, snippets=[name]) for name in LENGTHS
    )
    assert set(some[0].detections) == {1, 2, 3}
    for one, other, whole in zip(
        some, others, detect_ways(networks, truth, ways), strict=True
    ):
        joined = one | other
        assert joined.key_frames == whole.key_frames
        assert joined.detections.keys() == whole.detections.keys()


def test_every_picture_is_looked_at_once(truth, networks):
    ways = ways_of(modes=MODES, flows=["toy"], intervals=[2, 3], travels="boxes")
    detect_ways(networks, truth, ways)
    assert networks.base.detector.features.calls == 7


def test_maps_travel_through_the_detector_itself(truth, networks):
    maps = replace(networks, travels="maps")
    ways = [Way("causal", "toy", 3)]
    (found,) = detect_ways(maps, truth, ways)
    # Warped, the one bright cell arrives where the dot is.
    assert found.detections[3].boxes.tolist() == [[4.5, 2.5, 6.5, 4.5]]


def test_classes_that_the_truth_lacks_are_left_out(truth, networks):
    renamed = replace(truth, classes=("fox",))
    (found,) = detect_ways(networks, renamed, [Way("hold", None, 2)])
    assert isinstance(found, Found)
    assert {len(d) for d in found.detections.values()} == {0}


def test_a_missing_picture_is_named(truth, networks):
    (truth.image_root / "down" / "000002.JPEG").unlink()
    with pytest.raises(VideoError, match=r"000002\.JPEG is missing or not a picture"):
        detect_ways(networks, truth, [Way("hold", None, 2)])


@pytest.mark.parametrize("limit", [0, 10**9])
def test_frames_can_be_read_again(truth, monkeypatch, limit):
    monkeypatch.setattr("propagate.ways.KEPT_BYTES", limit)
    paths = [truth.image_path(frame) for frame in range(3)]
    read = frames_of(paths)
    for _ in range(2):
        assert [frame.index for frame in read()] == [0, 1, 2]
    assert isinstance(read(), list) == (limit > 0)
    assert next(read_snippet(paths)).rgb[3, 1].tolist() == [255] * 3


def test_times_are_of_every_way_without_memory(truth, networks):
    ways = ways_of(modes=MODES, flows=["toy"], intervals=[3], travels="boxes")
    timing = time_ways(networks, truth, ways)
    assert (timing["frames"], len(timing["ways"])) == (7, 4)
    assert all(row["ms_per_frame"] > 0 for row in timing["ways"])
    # 5 frames to warm up and 3 rounds of 7, each frame with the detector.
    assert networks.base.detector.features.calls >= 5 + 3 * 7
