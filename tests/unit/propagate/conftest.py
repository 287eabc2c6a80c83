"""A tiny detector's weights, and a bundle of it."""

import cv2
import numpy as np
import pytest

from propagate.bundle_writer import BundleRequest, write_bundle
from propagate.config import PipelineConfig
from propagate.detector_choice import DetectorChoice
from tests.tiny_weights import write_tiny_weights
from vod.calibration_pictures import Neighbours


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return write_tiny_weights(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_pictures():
    """Blurred noise of all brightnesses, with no neighbours."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (24, 6, 6, 3), dtype=np.uint8)
    return [
        Neighbours(cv2.resize(picture, (96, 80), interpolation=cv2.INTER_LINEAR), None)
        for picture in coarse
    ]


@pytest.fixture(scope="session")
def tiny_config(tiny_folder):
    return PipelineConfig(detector=DetectorChoice(weights=tiny_folder))


@pytest.fixture(scope="session")
def tiny_bundle(tiny_config, tiny_pictures, tmp_path_factory):
    """A float32 LiteRT bundle for 64 x 96 pictures, a size that is not the weights'."""
    out = tmp_path_factory.mktemp("bundles") / "tiny"
    request = BundleRequest("litert", "fp32", tiny_pictures, size=(64, 96))
    write_bundle(tiny_config, request, out)
    return out
