"""Write a detector's two halves as LiteRT graphs: `python -m detector.export DIR`."""

import argparse
import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np

from detector.registry import ssd_config_of
from vod.config import to_mapping
from vod.errors import VodError
from vod.types import FloatArray
from vod.weights import (
    WEIGHTS_FILE,
    GraphRecord,
    WeightsRecord,
    graph_role,
    load_model_weights,
    read_record,
    save_model_weights,
    sha256_of,
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

    Graphs store weights as float16, so the weights file is rounded to float16 as well:
    both engines then run the same values. `features` takes uint8 pixels as they are.

    Args:
        folder: a weights folder with `weights.safetensors` and `record.json`.
        seam: where to cut, see `SsdConfig`; None is where the record says.
        seed: of the pictures on which graph and Keras are compared (smooth noise).

    Raises:
        WeightsError: a file is missing, altered, or the graph differs from Keras.
    """
    from detector.ssd import join, load_ssd
    from vod.export import export_graph

    record = read_record(folder, network="ssd_mobilenet_v1")
    config = recorded = ssd_config_of(folder, record)
    if seam is not None:
        config = dataclasses.replace(config, seam=seam)
    weights = verified_file(folder, WEIGHTS_FILE, record)
    features, head = load_ssd(config, weights, batch_size=1)
    whole = join(features, head)
    save_model_weights(whole, weights)
    load_model_weights(whole, weights)

    random = np.random.default_rng(seed)
    shape = (config.input_height, config.input_width)
    images = [[_smooth_noise(random, *shape)] for _ in range(SAMPLES)]
    maps = [[np.asarray(m) for m in features(image[0])] for image in images]
    # An int8 graph needs pictures to be made again: it stays while it is still right.
    is_same = config == recorded and sha256_of(weights) == record.files[WEIGHTS_FILE]
    int8 = graph_role("features", "int8")
    graphs = {int8: record.graphs[int8]} if is_same and int8 in record.graphs else {}
    for model, samples in ((features, images), (head, maps)):
        file = f"{model.name}.tflite"
        # The head holds the anchors: coordinates, which float16 would move.
        float16 = model is features
        error = export_graph(
            model,
            folder / file,
            samples=samples,
            float16=float16,
            pixels=record.preprocessing if model is features else None,
        )
        graphs[model.name] = GraphRecord(
            file=file,
            inputs=tuple(tensor.name for tensor in model.inputs),
            outputs=tuple(model.output_names),
            max_abs_error=error,
        )
    changed = dataclasses.replace(record, graphs=graphs, config=to_mapping(config))
    return write_record(folder, changed)


def _smooth_noise(random: np.random.Generator, height: int, width: int) -> FloatArray:
    """Give a `(1, height, width, 3)` picture in [-1, 1] of blurred random colours."""
    import cv2

    coarse = random.uniform(-1, 1, (12, 12, 3)).astype(np.float32)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    noisy = picture + random.normal(0, 0.1, picture.shape)
    image: FloatArray = np.clip(noisy, -1, 1).astype(np.float32)[None]
    return image


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 with one sentence when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m detector.export")
    parser.add_argument("weights", type=Path, help="weights folder")
    parser.add_argument(
        "--seam",
        choices=("head", "backbone"),
        help="cut at the predictors' outputs or at MobileNet's maps (as recorded)",
    )
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        record = export_detector(arguments.weights, seam=arguments.seam)
    except VodError as error:
        logger.error("%s", error)
        return 1
    for role, graph in record.graphs.items():
        sys.stdout.write(
            f"{role}: {graph.file}, largest difference {graph.max_abs_error:.2g}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
