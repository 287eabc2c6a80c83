"""Values that a detector's backbone starts training from."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import safetensors.numpy

from detector.backbones.folding import folded
from detector.backbones.table import build_backbone, find_backbone
from vod.errors import ConfigError, VodError, WeightsError
from vod.types import FloatArray
from vod.weights import WEIGHTS_FILE, read_record, verified_file

if TYPE_CHECKING:
    import keras

    from detector.network_config import DetectorConfig

IMAGENET: Final = "imagenet"

MOBILENET_V1_LAYERS: Final = "Conv2d_"
"""What the paths of MobileNet V1's variables begin with, and no head's."""

KERAS_MOBILENET_V1: Final = (
    ("conv_dw_", "Conv2d_", "_depthwise"),
    ("conv_pw_", "Conv2d_", "_pointwise"),
    ("conv1", "Conv2d_0", ""),
)
"""Beginnings of the layers of Keras' MobileNet, and ours around the number."""


def initialise_backbone(
    model: "keras.Model", config: "DetectorConfig", source: str | Path
) -> list[str]:
    """Fill a detector's backbone; the head stays as it is.

    Args:
        model: the detector, its first half or its backbone alone.
        config: what it was built of.
        source: `"imagenet"` for the values that come with `keras.applications`
            (downloaded once), or a weights folder of any network with this backbone in
            this width and normalization: another detector's, or what
            `python -m detector.convert mobilenet_v1_slim` wrote (with BatchNorm, which
            is folded where the config has none).

    Returns:
        Paths of the variables that were filled.

    Raises:
        ConfigError: the backbone has no ImageNet values, or not in this width.
        WeightsError: they cannot be downloaded, or the folder is damaged or of another
            backbone.
    """
    if source == IMAGENET:
        values = imagenet(config.backbone, config.width)
    else:
        values = stored(Path(source))
    paths = backbone_paths(config)
    put(values, model, paths=paths, source=source)
    return paths


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
    read_record(folder, network="ssd_mobilenet_v1")
    paths = [v.path for v in model.weights if v.path.startswith(MOBILENET_V1_LAYERS)]
    put(stored(folder), model, paths=paths, source=folder)


def stored(folder: Path) -> dict[str, FloatArray]:
    """Read all values of a weights folder, by variable path, as float32.

    Raises:
        WeightsError: it is none, or a file is missing or altered.
    """
    path = verified_file(folder, WEIGHTS_FILE, read_record(folder))
    tensors = safetensors.numpy.load_file(path)
    return {name: value.astype("float32") for name, value in tensors.items()}


def imagenet(backbone: str, width: float) -> dict[str, FloatArray]:
    """Give the published ImageNet values of a backbone, by variable path.

    Raises:
        ConfigError: there are none, or not of this width.
        WeightsError: they cannot be downloaded.
    """
    from detector.backbones.applications import imagenet_values

    application = find_backbone(backbone).application
    if application is None:
        raise ConfigError(
            f"there are no ImageNet weights of {backbone} in keras.applications: train "
            "from another weights folder, or from random values."
        )
    try:
        values = imagenet_values(application.name, application.options_at(width))
    except VodError:
        raise
    except Exception as error:  # Keras raises a bare one
        raise WeightsError(
            f"the ImageNet weights of keras.applications.{application.name} cannot be "
            f"downloaded ({error}); name a weights folder instead."
        ) from error
    if backbone != "mobilenet_v1":
        return values
    return {our_mobilenet_path(path): value for path, value in values.items()}


def our_mobilenet_path(path: str) -> str:
    """Give our path of a variable of `keras.applications.MobileNet`.

    >>> our_mobilenet_path("conv_dw_3_bn/gamma")
    'Conv2d_3_depthwise_BatchNorm/gamma'
    >>> our_mobilenet_path("conv1/kernel")
    'Conv2d_0/kernel'
    """
    layer, _, leaf = path.partition("/")
    normalization = "_BatchNorm" if layer.endswith("_bn") else ""
    layer = layer.removesuffix("_bn")
    for start, before, after in KERAS_MOBILENET_V1:
        if layer.startswith(start):
            number = layer.removeprefix(start)
            return f"{before}{number}{after}{normalization}/{leaf}"
    return path


def backbone_paths(config: "DetectorConfig") -> list[str]:
    """List the paths of a backbone's variables."""
    import keras

    image = keras.Input((config.input_height, config.input_width, 3))
    maps = build_backbone(
        image, config.backbone, width=config.width, normalization=config.normalization
    )
    return [variable.path for variable in keras.Model(image, list(maps)).weights]


def put(
    values: Mapping[str, FloatArray],
    model: "keras.Model",
    *,
    paths: list[str],
    source: Path | str,
) -> None:
    """Put values into a model's variables; nothing changes where one does not fit.

    Values with BatchNorm fit a model of MobileNet V1 without: they are folded.

    Args:
        values: by variable path; those of other paths are left out.
        model: has all of `paths`.
        paths: of the variables that have to be filled.
        source: of the values, for messages.

    Raises:
        WeightsError: a value is missing or has another shape, or there is no variable
            to fill.
    """
    from detector.mobilenet import BATCH_NORM

    if not any("_BatchNorm" in path for path in paths):
        values = folded(values, epsilon=BATCH_NORM["epsilon"])
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
