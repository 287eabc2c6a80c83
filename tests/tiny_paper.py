"""The paper's system, tiny, with values that keep a signal's size."""

from functools import cache
from pathlib import Path

import keras
import numpy as np

from detector.fit_measure import MEASURED
from propagate.paper_config import PaperConfig
from propagate.paper_models import paper_detector
from propagate.paper_networks import (
    PaperNetworks,
    build_paper_networks,
    load_paper,
    with_classes,
    write_paper,
)
from tests.tiny_videos import CLASSES, HEIGHT, WIDTH, picture
from vod.config import from_mapping
from vod.preprocess import Preprocessing
from vod.types import Detections

DETECTOR = {
    "input_height": HEIGHT,
    "input_width": WIDTH,
    "width": 0.25,
    "normalization": "none",
    "anchor_sides": [24.0, 40.0],
    "candidates": 60,
    "proposals": 12,
    "nms_rounds": 4,
    "groups": 2,
}
NETWORK = {"detector": DETECTOR, "flow": {"width": 0.1}}
LOSS = {"objects": 4, "rpn_samples": 32, "region_samples": 16}
AS_IT_IS = {
    "zoom": [1, 1],
    "stretch": 1.0,
    "flip": 0.0,
    "brightness": 0.0,
    "contrast": 0.0,
    "hue": 0.0,
    "blur": 0.0,
    "noise": 0.0,
}
PREDICTORS = ("rpn_logits", "rpn_codes", "region_logits", "region_codes")


def tiny_config() -> PaperConfig:
    return with_classes(from_mapping(PaperConfig, NETWORK, source="test"), 2)


def tiny_networks() -> PaperNetworks:
    """Keras' own beginning leaves nothing of a signal behind 13 depthwise layers."""
    keras.utils.set_random_seed(1)  # the flow's and the aggregation's values
    networks = build_paper_networks(tiny_config())
    rng = np.random.default_rng(1)
    for model in (networks.features, networks.head_maps, networks.head):
        for variable in model.trainable_weights:
            shape = variable.shape
            if len(shape) == 1:
                continue
            taps = shape[:2] if "depthwise" in variable.path else shape[:-1]
            scale = (2 / np.prod(taps)) ** 0.5
            if variable.path.startswith(PREDICTORS):
                scale *= 0.1
            variable.assign(rng.normal(0, scale, shape))
    return networks


def write_tiny(folder: Path) -> Path:
    write_paper(
        tiny_networks(),
        folder,
        classes=CLASSES,
        preprocessing=Preprocessing(HEIGHT, WIDTH),
        origin="random",
    )
    return folder


PICTURES = [picture(0, number) for number in range(8)]


@cache
def found_by_keras(folder: Path, interval: int) -> list[Detections]:
    """What the Keras models find in `PICTURES`."""
    networks, record = load_paper(folder)
    detector = paper_detector(networks, record.preprocessing)
    return list(detector.frames(PICTURES, interval, MEASURED))


def check_same(found: Detections, expected: Detections) -> None:
    assert len(expected) > 0
    assert found.labels.tolist() == expected.labels.tolist()
    # Measured: 8e-6 px and 3e-8, sums in another order; 1e-4 px in full-size pictures.
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-3)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
