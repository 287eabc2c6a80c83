"""Turn the public quantised TensorFlow SSD MobileNet V1 into a weights folder.

`python -m detector.convert ssd_mobilenet_v1 FILE.tflite OUT --images DIR` reads the
file's own constants, drops the columns of background and of unused labels, and proves
the result against the file in LiteRT's interpreter.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from detector.anchors import anchors_per_cell
from detector.quantised_file import UNUSED_LABEL, QuantisedSsd
from detector.ssd_config import BOX_VALUES, LEVELS, SsdConfig
from vod.config import nearest, to_mapping
from vod.errors import ConfigError, VodError, WeightsError
from vod.preprocess import Preprocessing
from vod.types import ByteArray, FloatArray, IntArray
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

NETWORKS: Final = ("ssd_mobilenet_v1",)
PREPROCESSING: Final = Preprocessing(height=300, width=300, mean=128.0, scale=128.0)
BOX_ORDER: Final = (1, 0, 3, 2)  # (ty, tx, th, tw) in the file, (tx, ty, tw, th) here
BASE: Final = "FeatureExtractor/MobilenetV1/MobilenetV1/"
EXTRA: Final = "FeatureExtractor/MobilenetV1/Conv2d_13_pointwise_"
KERNEL: Final = "weights_quant/FakeQuantWithMinMaxVars"

# What a float model may differ by from the same weights run on uint8, over real
# pictures. Every layer of the file rounds to 256 values, so single outputs drift by
# many steps; a wrong kernel, padding or preprocessing breaks the correlation instead.
MAX_MEAN_STEPS: Final = 1.5  # measured 0.67
MIN_CORRELATION: Final = 0.995  # measured 0.9992


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near a float model is to the quantised file, over some pictures.

    Attributes:
        mean_steps: mean absolute difference, in the file's output quantisation steps.
        max_steps: largest absolute difference, in the same steps.
        correlation: Pearson's, over all values.
        clamped_share: share of our values beyond what the file's uint8 can hold; they
            are clamped before comparing, as the file clamps its own.
    """

    mean_steps: float
    max_steps: float
    correlation: float
    clamped_share: float

    @property
    def accepted(self) -> bool:
        """Whether this is the same network, up to quantisation."""
        return self.mean_steps <= MAX_MEAN_STEPS and self.correlation >= MIN_CORRELATION


def class_columns(labels: Sequence[str]) -> IntArray:
    """Give the columns of the file's class predictors that are real classes.

    Column 0 is background; label i of the file is column i + 1.
    """
    used = [i + 1 for i, label in enumerate(labels) if label != UNUSED_LABEL]
    return np.array(used, np.int32)


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


def compare(
    features: "keras.Model", file: QuantisedSsd, images: Sequence[ByteArray]
) -> dict[str, Agreement]:
    """Compare raw outputs of both on `(300, 300, 3)` uint8 pictures.

    Returns:
        Agreement of the box codes (`"boxes"`) and of the class logits (`"logits"`).
    """
    columns = class_columns(file.labels)
    kinds = {
        "boxes": ("BoxEncodingPredictor", np.array(BOX_ORDER)),
        "logits": ("ClassPredictor", columns),
    }
    pairs: dict[str, list[FloatArray]] = {kind: [] for kind in kinds}
    values = BOX_VALUES + len(columns)
    for image in images:
        file.run(image)
        maps = [np.asarray(m) for m in features(PREPROCESSING.normalise(image))]
        for kind, (name, keep) in kinds.items():
            part = slice(0, BOX_VALUES) if kind == "boxes" else slice(BOX_VALUES, None)
            for level, (theirs, step, low, high) in enumerate(file.raw_outputs(name)):
                ours = maps[level].reshape(-1, values)[:, part]
                beyond = (ours < low - step) | (ours > high + step)
                pairs[kind].append(
                    np.stack(
                        [
                            np.clip(ours, low, high).ravel() / step,
                            theirs[:, keep].ravel() / step,
                            ours.ravel(),
                            theirs[:, keep].ravel(),
                            beyond.ravel(),
                        ]
                    )
                )
    return {kind: _agreement(np.concatenate(pairs[kind], axis=1)) for kind in kinds}


def _agreement(columns: FloatArray) -> Agreement:
    our_steps, their_steps, ours, theirs, beyond = columns
    difference = np.abs(our_steps - their_steps)
    return Agreement(
        mean_steps=float(difference.mean()),
        max_steps=float(difference.max()),
        correlation=float(np.corrcoef(ours, theirs)[0, 1]),
        clamped_share=float(beyond.mean()),
    )


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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see the module's first lines."""
    parser = argparse.ArgumentParser(prog="python -m detector.convert")
    parser.add_argument("network", help=f"one of: {', '.join(NETWORKS)}")
    parser.add_argument("file", type=Path, help="the public .tflite file")
    parser.add_argument("out", type=Path, help="weights folder to write")
    parser.add_argument(
        "--images", type=Path, required=True, help="folder of real pictures to prove on"
    )
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if arguments.network not in NETWORKS:
            known = nearest(arguments.network, NETWORKS)
            raise ConfigError(f"cannot convert '{arguments.network}'.{known}")
        images = read_images(arguments.images)
        agreements = convert(arguments.file, arguments.out, images)
    except VodError as error:
        logger.error("%s", error)
        return 1
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
