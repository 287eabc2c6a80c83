"""The benchmark's other runtimes must compute what our own engine does."""

from importlib.util import find_spec

import numpy as np
import pytest

from detector.registry import load_detector
from propagate.detector_choice import DetectorChoice
from propagate.speed.rivals import RIVALS, rival_detector

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, ("tf2onnx", "onnxruntime"))), reason="needs the extra onnx"
)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOD_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.parametrize("rival", RIVALS)
def test_a_rival_gives_the_boxes_and_scores_of_our_engine(rival):
    ours = load_detector("ssd_mobilenet_v1")
    theirs = rival_detector(rival, ours, DetectorChoice(), threads=2)
    picture = np.random.default_rng(1).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    boxes, scores = ours.head(*ours.features(ours.preprocessing(picture)))
    image = theirs.preprocessing(picture)
    other_boxes, other_scores = theirs.head(*theirs.features(image))
    # Measured: 1.1e-4 pixels and 6e-7; another order of sums moves the last digits.
    np.testing.assert_allclose(other_boxes, boxes, atol=1e-3)
    np.testing.assert_allclose(other_scores, scores, atol=1e-5)
