"""Write the paper's system as LiteRT graphs: `python -m propagate.export_paper DIR`."""

import argparse
import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from vod.command import log_errors
from vod.preprocess import Preprocessing
from vod.types import FloatArray
from vod.weights import GraphRecord, WeightsRecord, told_graphs, write_record

if TYPE_CHECKING:
    from propagate.paper_detector import PaperDetector

logger = logging.getLogger(__name__)

SAMPLES: Final = 3


def export_paper(folder: Path, *, seed: int = 0) -> WeightsRecord:
    """Export a graph for each role of `PaperDetector` and list them in `record.json`.

    They hold float32: places, which float16 would move, and products of two values
    that it would round again. They take normalised pictures.

    Args:
        folder: a weights folder of the system.
        seed: of the pictures on which graph and Keras are compared (smooth noise).

    Raises:
        WeightsError: a file is missing or altered, or a graph differs from Keras.
    """
    from propagate.paper_models import SIDES, paper_detector, paper_models
    from propagate.paper_networks import load_paper
    from vod.export import export_graph

    networks, record = load_paper(folder)
    reference = paper_detector(networks, record.preprocessing)
    samples = _samples(reference, record.preprocessing, seed)
    graphs = {}
    for role, model in paper_models(networks, record.preprocessing).items():
        file = f"{role}.tflite"
        error = export_graph(model, folder / file, samples=samples[role], float16=False)
        graphs[role] = GraphRecord(file, *SIDES[role], error)
    return write_record(folder, dataclasses.replace(record, graphs=graphs))


def _samples(
    detector: "PaperDetector", pictures: Preprocessing, seed: int
) -> dict[str, list[list[FloatArray]]]:
    """Give inputs by role: of key frames, and of frames a few pixels aside."""
    from detector.export import smooth_noise

    random = np.random.default_rng(seed)
    samples: dict[str, list[list[FloatArray]]] = {}
    for shift in range(SAMPLES):
        image = smooth_noise(random, pictures)
        later = np.roll(image, 4 * shift, axis=2)
        key = detector.key(image, None)
        _, maps = detector.between(later, key)
        for role, inputs in {
            "first_key": [image],
            "next_key": [later, key.small, key.state],
            "between": [later, key.small, *key.maps],
            "head": list(maps),
        }.items():
            samples.setdefault(role, []).append(inputs)
    return samples


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 with one sentence when something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.export_paper", description=__doc__
    )
    parser.add_argument("weights", type=Path, help="of propagate.train_paper")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    record = export_paper(arguments.weights)
    sys.stdout.write(told_graphs(record))
    return 0


if __name__ == "__main__":
    sys.exit(main())
