"""What is remembered changes nothing but the number of calls."""

from dataclasses import replace

import numpy as np
import pytest

from detector.postprocess import PostprocessConfig
from propagate.keyframes import FixedInterval
from propagate.offline import results_of
from propagate.remembered import RememberingDetector, RememberingFlow, digest
from tests.toy_pipeline import BrightestPixelFlow, dot_frame, make_parts

FRAMES = [dot_frame(index, index, index // 2) for index in range(8)]


class CountingFlow(BrightestPixelFlow):
    def __init__(self):
        self.calls = 0

    def __call__(self, current, key):
        self.calls += 1
        return super().__call__(current, key)


def shown(parts):
    return [
        (r.key_frame, r.detections.boxes.tolist(), r.detections.scores.tolist())
        for r in results_of(parts, FRAMES)
    ]


def test_a_digest_depends_on_content_and_order_alone():
    a, b = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    assert digest(a) == digest(a.T.copy().T)
    assert digest(a, b) == digest(a.copy(), b)
    assert digest(a, b) != digest(b, a)
    assert len(digest(a)) == 16


@pytest.mark.parametrize("mode", ["causal", "offline"])
def test_results_equal_those_without_memory(mode):
    plain = replace(make_parts(flow=CountingFlow()), mode=mode)
    remembering = replace(
        plain,
        detector=RememberingDetector.of(plain.detector),
        flow=RememberingFlow(plain.flow),
    )
    for interval in (1, 3, 5):
        keys = FixedInterval(interval)
        expected = shown(replace(plain, keyframes=keys))
        plain.detector.features.calls = plain.flow.calls = 0
        assert shown(replace(remembering, keyframes=keys)) == expected
        # Once more, and no network is asked again.
        calls = plain.detector.features.calls, plain.flow.calls
        assert shown(replace(remembering, keyframes=keys)) == expected
        assert (plain.detector.features.calls, plain.flow.calls) == calls


def test_a_picture_is_looked_at_once_for_each_setting():
    detector = RememberingDetector.of(make_parts().detector)
    picture = detector.preprocessing.normalise(FRAMES[0].rgb)
    for threshold in (0.5, 0.5, 0.1):
        found = detector.detect(
            detector.features(picture),
            frame_height=8,
            frame_width=8,
            postprocess=PostprocessConfig(score_threshold=threshold),
        )
        assert len(found) == 1
    assert detector.inner.features.calls == len(detector.found) == 2
