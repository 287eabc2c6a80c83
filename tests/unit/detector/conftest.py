"""A tiny detector: 64x64 pictures, three classes, random weights."""

import pytest

from detector.ssd_config import SsdConfig
from vod.config import to_mapping
from vod.preprocess import Preprocessing
from vod.weights import WEIGHTS_FILE, WeightsRecord, save_model_weights, write_record

CLASSES = ("dog", "car", "person")


@pytest.fixture(scope="session")
def tiny_config():
    return SsdConfig(input_height=64, input_width=64, width=0.1, class_count=3)


@pytest.fixture(scope="session")
def tiny_weights(tiny_config, tmp_path_factory):
    """A weights folder with both graphs exported at seam `head`."""
    import keras

    from detector.export import export_detector
    from detector.ssd import build_features

    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    save_model_weights(build_features(tiny_config), folder / WEIGHTS_FILE)
    record = WeightsRecord(
        network="ssd_mobilenet_v1",
        preprocessing=Preprocessing(64, 64, mean=128.0, scale=128.0),
        origin="random",
        licence="Apache-2.0",
        config=to_mapping(tiny_config),
        classes=CLASSES,
    )
    write_record(folder, record)
    export_detector(folder)
    return folder
