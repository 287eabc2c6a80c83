"""A small LightFlow whose output is not near zero, as an untrained one's would be."""

import numpy as np
import pytest

from flow.lightflow import LightFlowConfig, build_lightflow
from flow.train.run import write_weights

NARROW = LightFlowConfig(width=0.125)


def lively(model, seed=0):
    """Give every normalisation other statistics, scales and offsets."""
    rng = np.random.default_rng(seed)
    ranges = {"gamma": (1.2, 2.2), "moving_variance": (0.5, 1.5)}
    for variable in model.weights:
        low, high = ranges.get(variable.path.split("/")[-1], (-0.2, 0.2))
        if "_bn/" in variable.path:
            variable.assign(rng.uniform(low, high, variable.shape).astype(np.float32))
    return model


@pytest.fixture
def narrow_model():
    return lively(build_lightflow(NARROW))


@pytest.fixture(scope="module")
def narrow_weights(tmp_path_factory):
    """A weights folder without graphs; copy it before changing it."""
    folder = tmp_path_factory.mktemp("narrow")
    model = lively(build_lightflow(NARROW))
    write_weights(model, folder, NARROW, "a test")
    return folder
