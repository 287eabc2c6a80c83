"""Prove that a converted detector computes what the quantised file does.

The file rounds every layer to 256 values, and its ReLU6 is its clamp: backbone maps end
at 6, the extra layers' maps are stored with a zero point in the middle of uint8 but
never go below it. A float model therefore drifts by single steps, and differs by more
only where a predictor's value lies beyond what its uint8 can hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from detector.quantised_file import UNUSED_LABEL, QuantisedSsd, anchors_of
from detector.ssd_config import BOX_VALUES, SsdConfig, ssd_anchors
from vod.errors import WeightsError
from vod.preprocess import Preprocessing
from vod.types import ByteArray, FloatArray, IntArray

if TYPE_CHECKING:
    import keras

PREPROCESSING: Final = Preprocessing(height=300, width=300, mean=128.0, scale=128.0)
BOX_ORDER: Final = (1, 0, 3, 2)  # (ty, tx, th, tw) in the file, (tx, ty, tw, th) here

# What a float model may differ by from the same weights run on uint8, over real
# pictures. Every layer of the file rounds to 256 values, so single outputs drift by
# many steps; a wrong kernel, padding or preprocessing breaks the correlation instead.
MAX_MEAN_STEPS: Final = 1.5  # measured 0.67
MIN_CORRELATION: Final = 0.995  # measured 0.9992
ANCHOR_STEPS: Final = 0.51


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


def check_anchors(file: QuantisedSsd, config: SsdConfig) -> None:
    """Hold our anchors against those in the file.

    The file stores its anchors as uint8, in steps of 1.9 pixels, while its network was
    trained with exact ones. Ours are generated exactly and have to round to the file's.
    (mAP over 290 DAVIS frames: .8470 with exact anchors, .8473 with the file's.)

    Raises:
        WeightsError: one is farther from the file's than rounding explains.
    """
    height, width = config.input_height, config.input_width
    theirs = anchors_of(file, height=height, width=width)
    ours = ssd_anchors(config)
    if theirs.shape != ours.shape:
        raise WeightsError(
            f"{file.path} has {len(theirs)} anchors, expected {len(ours)}."
        )
    steps = float(np.abs(theirs - ours).max()) / (file.step("anchors") * width)
    # Half a step is rounding; measured 0.497 on the public file.
    if steps > ANCHOR_STEPS:
        raise WeightsError(
            f"{file.path}: anchors lie up to {steps:.2f} quantisation steps from those "
            f"of the TensorFlow SSD generator, expected at most {ANCHOR_STEPS}."
        )
