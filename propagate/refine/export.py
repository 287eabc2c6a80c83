"""Write a refiner's two graphs: `python -m propagate.refine.export DIR`."""

import argparse
import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from propagate.refine.refiner import HEAD, NETWORK, TRUNK, config_of
from vod.command import log_errors
from vod.preprocess import Preprocessing
from vod.types import FloatArray
from vod.weights import GraphRecord, WeightsRecord, read_record, write_record

logger = logging.getLogger(__name__)

SAMPLES = 3


def export_refiner(folder: Path) -> WeightsRecord:
    """Export `trunk.tflite` and `refiner_head.tflite` and list them in `record.json`.

    The trunk takes uint8 pixels as they are.

    Args:
        folder: a weights folder with `weights.safetensors` and `record.json`.

    Raises:
        WeightsError: a file is missing or altered, or a graph differs from Keras.
    """
    from propagate.refine.network import build_head, build_trunk, load_refiner
    from vod.export import export_graph

    config = config_of(folder)
    record = read_record(folder, network=NETWORK)
    whole = load_refiner(folder, config)
    trunk, head = build_trunk(config, batch_size=1), build_head(config, batch_size=1)
    for part, name in ((trunk, TRUNK), (head, HEAD)):
        part.set_weights(whole.get_layer(name).get_weights())
    random = np.random.default_rng(0)
    shape = (1, config.side, config.side, 3)
    crops = [
        [(random.integers(0, 256, shape) / 127.5 - 1).astype(np.float32)]
        for _ in range(SAMPLES)
    ]
    features = [np.asarray(trunk(crop[0])) for crop in crops]
    doubts = np.log(np.array([0.02, 0.1, 0.3], np.float32))
    pairs = [
        [features[i], features[i - 1], np.full((1, 1), doubts[i], np.float32)]
        for i in range(SAMPLES)
    ]
    graphs = {}
    pixels = Preprocessing(config.side, config.side)
    parts: tuple[tuple[Any, list[list[FloatArray]], Preprocessing | None], ...] = (
        (trunk, crops, pixels),
        (head, pairs, None),
    )
    for model, samples, taken in parts:
        file = f"{model.name}.tflite"
        error = export_graph(model, folder / file, samples=samples, pixels=taken)
        graphs[model.name] = GraphRecord.of(model, file, error)
    return write_record(folder, dataclasses.replace(record, graphs=graphs))


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.refine.export", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="weights folder")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    export_refiner(arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
