"""Write a detector's first half as an int8 graph, calibrated on real pictures.

`python -m detector.export_int8 DIR --calibrate CLIP_OR_FOLDER...` writes
`features_int8.tflite` into a weights folder and lists it in its record. The second half
decodes coordinates and stays float32.
"""

import argparse
import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from detector.models import load_models
from vod.calibration_pictures import read_neighbours
from vod.command import log_errors
from vod.preprocess import Preprocessing
from vod.types import ByteArray, FloatArray
from vod.weights import GraphRecord, WeightsRecord, graph_role, write_record

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

FLOAT_LAYERS: Final = (
    "Conv2d_0",
    *(f"Conv2d_{n}_{kind}" for n in range(1, 8) for kind in ("depthwise", "pointwise")),
)
"""The stem and the first seven blocks stay float32.

Rounding their activations makes two thirds of the error of the raw predictions (.089
with all layers in int8, .032 so; the predictors themselves, kept float, save .003), and
they are bound by memory: in int8 they would save a fifth of the time. See
`docs/export.md`.
"""

FRAMES: Final = 128


def float_layers_of(model: "keras.Model") -> tuple[str, ...]:
    """Give those of `FLOAT_LAYERS` that a model has: none on another backbone."""
    names = {layer.name for layer in model.layers}
    return tuple(name for name in FLOAT_LAYERS if name in names)


def calibration_inputs(
    pictures: Sequence[ByteArray], preprocessing: Preprocessing
) -> list[list[FloatArray]]:
    """Give pictures as the first half takes them, one list an input sample."""
    resized = map(preprocessing.resize, pictures)
    return [[preprocessing.normalise(picture)] for picture in resized]


def export_features_int8(
    folder: Path, *, pictures: Sequence[ByteArray]
) -> WeightsRecord:
    """Calibrate, write and list the int8 graph of a weights folder.

    Args:
        folder: with `weights.safetensors` and `record.json`.
        pictures: real ones, `(H, W, 3)` uint8 RGB, some dozens at least.

    Raises:
        WeightsError: a file is missing or altered, or the graph is far from Keras.
    """
    from vod.quantise import Quantisation, export_int8

    models = load_models(folder)
    role = graph_role("features", "int8")
    error = export_int8(
        models.features,
        folder / f"{role}.tflite",
        samples=calibration_inputs(pictures, models.preprocessing),
        how=Quantisation(models.preprocessing, float_layers_of(models.features)),
    )
    graph = GraphRecord.of(models.features, f"{role}.tflite", error)
    graphs = models.record.graphs | {role: graph}
    return write_record(folder, dataclasses.replace(models.record, graphs=graphs))


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 with one sentence when something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m detector.export_int8",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("weights", type=Path, help="weights folder")
    parser.add_argument(
        "--calibrate",
        nargs="+",
        required=True,
        metavar="CLIP_OR_FOLDER",
        help="real pictures, not those that the graph will be judged on",
    )
    parser.add_argument("--frames", type=int, default=FRAMES, help=f"({FRAMES})")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    found = read_neighbours(arguments.calibrate, arguments.frames)
    record = export_features_int8(
        arguments.weights, pictures=[pair.key for pair in found]
    )
    graph = record.graphs[graph_role("features", "int8")]
    sys.stdout.write(
        f"{graph.file}: calibrated on {len(found)} pictures, largest error of an "
        f"output {graph.max_abs_error:.3f} of its spread\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
