"""Write an adapter's graph: `python -m propagate.adapter.export DIR`."""

import argparse
import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from propagate.adapter.adapted import NETWORK, config_of
from vod.command import log_errors
from vod.weights import GraphRecord, WeightsRecord, read_record, write_record

logger = logging.getLogger(__name__)

SAMPLES = 3


def export_adapter(folder: Path) -> WeightsRecord:
    """Export `maps_adapter.tflite` for batch 1 and list it in `record.json`.

    Args:
        folder: a weights folder with `weights.safetensors` and `record.json`.

    Raises:
        WeightsError: a file is missing or altered, or the graph differs from Keras.
    """
    from propagate.adapter.network import load_adapter_model
    from vod.export import export_graph

    config, record = config_of(folder), read_record(folder, network=NETWORK)
    model = load_adapter_model(folder, config, batch_size=1)
    random = np.random.default_rng(0)
    samples = [
        [random.normal(0, 3, (1, *shape)).astype(np.float32) for shape in config.maps]
        for _ in range(SAMPLES)
    ]
    file = f"{NETWORK}.tflite"
    error = export_graph(model, folder / file, samples=samples)
    graph = GraphRecord.of(model, file, error)
    return write_record(folder, dataclasses.replace(record, graphs={NETWORK: graph}))


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.adapter.export", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="weights folder")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    export_adapter(arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
