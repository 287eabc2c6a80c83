"""What the box refiner's examples are drawn from: videos, snippets, pictures."""

import cv2
import numpy as np
import pytest

from propagate.pseudo.config import PseudoConfig
from propagate.refine.material import Material
from propagate.refine.stills import Still
from propagate.refine.train_config import RefinerTrainConfig
from propagate.train_data import Clip
from tests.builders import make_detections
from vod.config import load_config
from vod.errors import ConfigError

SIDE = 96


def make_stills():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (12, 12, 3), np.uint8)
    picture = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return [Still(picture, np.array([[20, 30, 70, 80]], np.float32))]


def config_of(*changes):
    settings = ["network.side=32", "snippets=2", "pseudo_video.frames=6", *changes]
    return load_config(RefinerTrainConfig, None, settings)


def test_a_share_of_the_examples_comes_from_snippets():
    config = config_of("draw.videos=1", "draw.pseudo=1", "draw.absent=0")
    blank = np.zeros((4, SIDE, SIDE, 3), np.uint8)
    found = [make_detections(((10, 10, 50, 50), 0.9, 0))] * 4
    material = Material([Clip("blank", blank, found)], make_stills())
    examples = material.examples(config)
    drawn = [examples.draw(np.random.default_rng(seed)) for seed in range(8)]
    assert all(one.current.std() > 0 for one in drawn)  # none is of the blank clip
    again = examples.draw(np.random.default_rng(0))
    np.testing.assert_array_equal(drawn[0].current, again.current)
    assert str(material) == "1 clips and 1 pictures"


def test_snippets_need_pictures():
    blank = np.zeros((4, SIDE, SIDE, 3), np.uint8)
    found = [make_detections(((10, 10, 50, 50), 0.9, 0))] * 4
    with pytest.raises(ConfigError, match="no picture has an object to set in motion"):
        Material([Clip("blank", blank, found)], []).examples(
            config_of("draw.pseudo=0.5")
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("draw.pseudo=2", r"pseudo must lie in \[0, 1\]"),
        ("snippets=0", "snippets, labelled_clips must be 1 or more"),
    ],
)
def test_settings_without_sense_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        load_config(RefinerTrainConfig, None, [change])


def test_the_snippets_of_a_config_are_those_of_joint_training():
    assert RefinerTrainConfig().pseudo_video == PseudoConfig()
