"""Write LightFlow as LiteRT graphs: `python -m flow.export DIR --size 150x150`."""

import argparse
import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from flow.registry import graph_role
from vod.command import log_errors
from vod.preprocess import Preprocessing
from vod.sizes import parse_size
from vod.types import FloatArray
from vod.weights import (
    GraphRecord,
    WeightsRecord,
    read_record,
    write_record,
)

logger = logging.getLogger(__name__)

SAMPLES: Final = 3


def export_lightflow(folder: Path, *, height: int, width: int) -> WeightsRecord:
    """Export one graph, check it against Keras and list it in `record.json`.

    The graph takes uint8 pixels as they are. Graphs of other sizes that the record
    lists are kept.

    Args:
        folder: a weights folder.
        height: rows of the input.
        width: columns of the input.

    Raises:
        WeightsError: a file is missing or altered, or the graph differs from Keras.
    """
    from flow.lightflow import load_lightflow
    from vod.export import export_graph

    model = load_lightflow(folder, height=height, width=width)
    record = read_record(folder, network="lightflow")
    role = graph_role(height, width)
    file = f"{role}.tflite"
    error = export_graph(
        model,
        folder / file,
        samples=_samples(height, width),
        pixels=Preprocessing(height, width),
    )
    graph = GraphRecord.of(model, file, error)
    graphs = record.graphs | {role: graph}
    return write_record(folder, dataclasses.replace(record, graphs=graphs))


def _samples(height: int, width: int) -> list[list[FloatArray]]:
    """Give pairs of smooth random pictures in [-1, 1], the key a few pixels aside."""
    random = np.random.default_rng(0)
    pairs = []
    for shift in range(SAMPLES):
        coarse = random.uniform(-1, 1, (12, 12, 3)).astype(np.float32)
        picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        key = np.roll(picture, 2 * shift, axis=1)
        pairs.append([np.ascontiguousarray(image[None]) for image in (picture, key)])
    return pairs


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line."""
    parser = argparse.ArgumentParser(prog="python -m flow.export", description=__doc__)
    parser.add_argument("folder", type=Path, help="weights folder")
    parser.add_argument(
        "--size", action="append", required=True, help="flow input, HEIGHTxWIDTH"
    )
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for height, width in [parse_size(size) for size in arguments.size]:
        export_lightflow(arguments.folder, height=height, width=width)
    return 0


if __name__ == "__main__":
    sys.exit(main())
