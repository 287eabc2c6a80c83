"""Values that a detector's backbone starts training from."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import safetensors.numpy

from vod.errors import WeightsError
from vod.types import FloatArray
from vod.weights import WEIGHTS_FILE, read_record, verified_file

if TYPE_CHECKING:
    import keras

MOBILENET_V1_LAYERS: Final = "Conv2d_"
"""What the paths of MobileNet V1's variables begin with, and no head's."""


def backbone_from_ssd(folder: Path, model: "keras.Model") -> None:
    """Fill a model's MobileNet V1 from a weights folder of `ssd_mobilenet_v1`.

    The shipped folder's values come from the public COCO checkpoint, whose BatchNorm is
    folded into biases: build the model with width 0.75 and `normalization="none"`. Its
    pictures were `(pixel - 128) / 128`, ours are `(pixel - 127.5) / 127.5`: 0.004
    apart, which the first step of any training outdoes.

    Args:
        folder: the weights folder.
        model: a detector, its first half or its backbone alone, whatever the head.

    Raises:
        WeightsError: the folder is damaged or of another network, or the model's
            MobileNet V1 has another width or normalization.
    """
    record = read_record(folder, network="ssd_mobilenet_v1")
    stored = safetensors.numpy.load_file(verified_file(folder, WEIGHTS_FILE, record))
    values = {
        path: value.astype("float32")
        for path, value in stored.items()
        if path.startswith(MOBILENET_V1_LAYERS)
    }
    paths = [v.path for v in model.weights if v.path.startswith(MOBILENET_V1_LAYERS)]
    put(values, model, paths=paths, source=folder)


def put(
    values: Mapping[str, FloatArray],
    model: "keras.Model",
    *,
    paths: list[str],
    source: Path | str,
) -> None:
    """Put values into a model's variables; nothing changes where one does not fit.

    Args:
        values: by variable path; what the model has not is left out.
        model: has all of `paths`.
        paths: of the variables that have to be filled.
        source: of the values, for messages.

    Raises:
        WeightsError: a value is missing or has another shape, or there is no variable
            to fill.
    """
    variables = {variable.path: variable for variable in model.weights}
    missing = [path for path in paths if path not in values or path not in variables]
    if missing or not paths:
        raise WeightsError(
            f"{source} does not hold this backbone: {missing[:3] or 'nothing of it'} "
            "missing. Check backbone and normalization."
        )
    for path in paths:
        if values[path].shape != tuple(variables[path].shape):
            raise WeightsError(
                f"{source}: {path} has shape {values[path].shape}, the backbone wants "
                f"{tuple(variables[path].shape)}. Check its width."
            )
    for path in paths:
        variables[path].assign(values[path])
