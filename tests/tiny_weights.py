"""A detector small enough to be exported in a test: 64 x 64 pictures, three classes."""

from pathlib import Path

import numpy as np

from detector.ssd_config import SsdConfig
from vod.config import to_mapping
from vod.preprocess import Preprocessing
from vod.weights import WEIGHTS_FILE, WeightsRecord, save_model_weights, write_record

CLASSES = ("dog", "car", "person")
TINY = SsdConfig(input_height=64, input_width=64, width=0.1, class_count=3)


def write_tiny_weights(folder: Path) -> Path:
    """Fill a folder with random weights and a record, without graphs."""
    import keras

    from detector.ssd import build_features

    keras.utils.set_random_seed(0)
    features = build_features(TINY)
    random = np.random.default_rng(0)
    for variable in features.weights:
        # As they are first, all scores would be .5.
        values = np.asarray(variable)
        spread = 0.5 if variable.path.endswith("bias") else 0.0
        variable.assign(2 * values + random.normal(0, spread, values.shape))
    save_model_weights(features, folder / WEIGHTS_FILE)
    record = WeightsRecord(
        network="ssd_mobilenet_v1",
        preprocessing=Preprocessing(64, 64, mean=128.0, scale=128.0),
        origin="random",
        licence="Apache-2.0",
        config=to_mapping(TINY),
        classes=CLASSES,
    )
    write_record(folder, record)
    return folder
