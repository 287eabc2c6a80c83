"""The two Keras models of a weights folder, at any input size."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detector.features import FeatureSpec
from detector.network_config import map_specs, resized
from detector.recorded import config_of, read_detector_record
from vod.preprocess import Preprocessing
from vod.sizes import Size
from vod.weights import WEIGHTS_FILE, WeightsRecord, verified_file

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False, slots=True)
class DetectorModels:
    """A detector as Keras models of batch 1.

    Attributes:
        record: of the weights folder.
        preprocessing: from a frame to the normalised input of `features`.
        maps: the maps between the halves, in order.
        features: the first half.
        head: the second half.
    """

    record: WeightsRecord
    preprocessing: Preprocessing
    maps: tuple[FeatureSpec, ...]
    features: "keras.Model"
    head: "keras.Model"


def load_models(folder: Path, *, size: Size | None = None) -> DetectorModels:
    """Build both halves for an input size and fill them from a weights folder.

    The network has no layer of a fixed size, so that the same weights fit any picture;
    see `detector.network_config.resized`. Needs TensorFlow.

    Args:
        folder: with `weights.safetensors` and `record.json`.
        size: (rows, columns) of the input; None is as the record says.

    Raises:
        WeightsError: a file is missing or altered, or the record is wrong.
    """
    from detector.network import load_halves

    record = read_detector_record(folder)
    config = config_of(folder, record)
    height, width = size or (config.input_height, config.input_width)
    config = resized(config, height, width)
    weights = verified_file(folder, WEIGHTS_FILE, record)
    features, head = load_halves(config, weights, batch_size=1)
    return DetectorModels(
        record=record,
        preprocessing=dataclasses.replace(
            record.preprocessing, height=height, width=width, as_pixels=False
        ),
        maps=map_specs(config),
        features=features,
        head=head,
    )
