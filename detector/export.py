"""Write a detector's two halves as LiteRT graphs: `python -m detector.export DIR`."""

import argparse
import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np

from detector.network_config import DetectorConfig
from detector.recorded import config_of, config_values, read_detector_record
from vod.command import log_errors
from vod.errors import ConfigError
from vod.preprocess import Preprocessing
from vod.types import FloatArray
from vod.weights import (
    WEIGHTS_FILE,
    GraphRecord,
    WeightsRecord,
    graph_role,
    load_model_weights,
    save_model_weights,
    sha256_of,
    told_graphs,
    verified_file,
    write_record,
)

logger = logging.getLogger(__name__)

Seam = Literal["head", "backbone"]

SAMPLES: Final = 3


def export_detector(
    folder: Path, *, seam: Seam | None = None, seed: int = 0
) -> WeightsRecord:
    """Export `features.tflite` and `head.tflite` and list them in `record.json`.

    The weights file is rounded to float16; the graph of a network without BatchNorm
    stores the same values, at half the size. `features` takes uint8 pixels as they are.

    Args:
        folder: a weights folder with `weights.safetensors` and `record.json`.
        seam: where to cut an SSD, see `SsdOptions`; None is where the record says.
        seed: of the pictures on which graph and Keras are compared (smooth noise).

    Raises:
        ConfigError: the head has no such seam.
        WeightsError: a file is missing, altered, or the graph differs from Keras.
    """
    from detector.network import join, load_halves
    from vod.export import export_graph

    record = read_detector_record(folder)
    recorded = config_of(folder, record)
    config = recorded if seam is None else _cut_at(recorded, seam)
    weights = verified_file(folder, WEIGHTS_FILE, record)
    features, head = load_halves(config, weights, batch_size=1)
    whole = join(features, head)
    save_model_weights(whole, weights)
    load_model_weights(whole, weights)

    random = np.random.default_rng(seed)
    images = [[smooth_noise(random, record.preprocessing)] for _ in range(SAMPLES)]
    maps = [[np.asarray(m) for m in features(image[0])] for image in images]
    # An int8 graph needs pictures to be made again: it stays while it is still right.
    is_same = config == recorded and sha256_of(weights) == record.files[WEIGHTS_FILE]
    int8 = graph_role("features", "int8")
    graphs = {int8: record.graphs[int8]} if is_same and int8 in record.graphs else {}
    for model, samples in ((features, images), (head, maps)):
        file = f"{model.name}.tflite"
        # The head holds the anchors: coordinates, which float16 would move. And with
        # BatchNorm the graph holds products of two rounded values: float16 would round
        # again, and deep networks make more of it than we accept.
        float16 = model is features and config.normalization == "none"
        error = export_graph(
            model,
            folder / file,
            samples=samples,
            float16=float16,
            pixels=record.preprocessing if model is features else None,
        )
        graphs[model.name] = GraphRecord.of(model, file, error)
    changed = dataclasses.replace(record, graphs=graphs)
    values = config_values(config, record.network)
    return write_record(folder, dataclasses.replace(changed, config=values))


def _cut_at(config: DetectorConfig, seam: Seam) -> DetectorConfig:
    if config.head != "ssd":
        raise ConfigError(
            f"the head '{config.head}' has one seam only: leave --seam out."
        )
    return dataclasses.replace(config, ssd=dataclasses.replace(config.ssd, seam=seam))


def smooth_noise(
    random: np.random.Generator, preprocessing: Preprocessing
) -> FloatArray:
    """Give a normalised picture of blurred random colours."""
    import cv2

    size = (preprocessing.width, preprocessing.height)
    coarse = random.uniform(0, 255, (12, 12, 3)).astype(np.float32)
    picture = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
    noisy = picture + random.normal(0, 13, picture.shape)
    return preprocessing.normalise(np.clip(noisy, 0, 255).astype(np.uint8))


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 with one sentence when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m detector.export")
    parser.add_argument("weights", type=Path, help="weights folder")
    parser.add_argument(
        "--seam",
        choices=("head", "backbone"),
        help="cut an SSD at its raw outputs or at its backbone's maps (as recorded)",
    )
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    record = export_detector(arguments.weights, seam=arguments.seam)
    sys.stdout.write(told_graphs(record))
    return 0


if __name__ == "__main__":
    sys.exit(main())
