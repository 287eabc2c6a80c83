"""Write LightFlow as an int8 graph, calibrated on real neighbouring frames.

`python -m flow.export_int8 DIR --size 150x150 --calibrate CLIP_OR_FOLDER...` writes
`flow_150x150_int8.tflite` into a weights folder and lists it in its record.
"""

import argparse
import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flow.estimator import shrink
from flow.registry import graph_role
from vod.calibration_pictures import Neighbours, read_neighbours
from vod.command import log_errors
from vod.errors import VideoError
from vod.preprocess import Preprocessing
from vod.sizes import parse_size
from vod.types import ByteArray, FloatArray
from vod.weights import GraphRecord, WeightsRecord, read_record, write_record

logger = logging.getLogger(__name__)

FLOAT_LAYERS: Final = (
    *(f"conv{n}_pw" for n in range(12, 17)),
    *(f"conv{n}_{kind}" for n in range(13, 17) for kind in ("up", "sum")),
    "flow",
)
"""What gives and sums displacements stays float32: they are coordinates.

In int8 a step would be the range of the flow over 255, tenths of a pixel.
"""

FRAMES: Final = 128


def flow_preprocessing(height: int, width: int) -> Preprocessing:
    """Say how LightFlow wants its pictures."""
    return Preprocessing(height, width, mean=127.5, scale=127.5)


def calibration_inputs(
    pairs: Sequence[Neighbours], preprocessing: Preprocessing
) -> list[list[FloatArray]]:
    """Give neighbours as the network takes them: current, then key.

    Raises:
        VideoError: no picture has a neighbour, as in folders of unrelated stills.
    """
    height, width = preprocessing.height, preprocessing.width

    def prepared(rgb: ByteArray) -> FloatArray:
        return preprocessing.normalise(shrink(rgb, height, width))

    inputs = [
        [prepared(pair.current), prepared(pair.key)]
        for pair in pairs
        if pair.current is not None
    ]
    if not inputs:
        raise VideoError(
            "a flow is calibrated on neighbouring frames, and the pictures given are "
            "unrelated: add a clip, or a folder of a clip's frames."
        )
    return inputs


def export_lightflow_int8(
    folder: Path, *, height: int, width: int, pairs: Sequence[Neighbours]
) -> WeightsRecord:
    """Calibrate, write and list the int8 graph of one input size.

    Args:
        folder: with `weights.safetensors` and `record.json`.
        height: rows of the input.
        width: columns of the input.
        pairs: neighbouring frames, some dozens at least.

    Raises:
        VideoError: the pictures are unrelated.
        WeightsError: a file is missing or altered, or the graph is far from Keras.
    """
    from flow.lightflow import load_lightflow
    from vod.quantise import Quantisation, export_int8

    model = load_lightflow(folder, height=height, width=width)
    preprocessing = flow_preprocessing(height, width)
    role = graph_role(height, width, "int8")
    error = export_int8(
        model,
        folder / f"{role}.tflite",
        samples=calibration_inputs(pairs, preprocessing),
        how=Quantisation(preprocessing, FLOAT_LAYERS),
    )
    record = read_record(folder, network="lightflow")
    graph = GraphRecord.of(model, f"{role}.tflite", error)
    graphs = record.graphs | {role: graph}
    return write_record(folder, dataclasses.replace(record, graphs=graphs))


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 with one sentence when something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m flow.export_int8",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="weights folder")
    parser.add_argument("--size", required=True, help="flow input, HEIGHTxWIDTH")
    parser.add_argument(
        "--calibrate",
        nargs="+",
        required=True,
        metavar="CLIP_OR_FOLDER",
        help="real clips, not those that the graph will be judged on",
    )
    parser.add_argument("--frames", type=int, default=FRAMES, help=f"({FRAMES})")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    height, width = parse_size(arguments.size)
    pairs = read_neighbours(arguments.calibrate, arguments.frames)
    record = export_lightflow_int8(
        arguments.folder, height=height, width=width, pairs=pairs
    )
    graph = record.graphs[graph_role(height, width, "int8")]
    sys.stdout.write(
        f"{graph.file}: calibrated on {len(pairs)} pairs, error "
        f"{graph.max_abs_error:.3f} of the flow's spread\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
