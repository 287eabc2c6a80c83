"""The paper's feature network: a backbone and a pyramid of two levels."""

from typing import Any

import keras

from detector.backbones.table import build_backbone
from detector.two_stage_config import TwoStageConfig, shared_spec


def enlarge(coarse: Any, fine: Any, name: str) -> Any:
    """Double a map by repetition, to the grid of the next finer one.

    An odd side was halved upwards: 25 columns become 13, enlarged 26, so a last row or
    column that is too much goes.

    Args:
        coarse: `(B, ceil(H / 2), ceil(W / 2), C)`.
        fine: a map `(B, H, W, ...)`, for its sides only.
        name: layers are called `<name>_up` and `<name>_crop`.
    """
    coarse = keras.layers.UpSampling2D(2, name=f"{name}_up")(coarse)
    extra = (coarse.shape[1] - fine.shape[1], coarse.shape[2] - fine.shape[2])
    if any(extra):
        crop = ((0, extra[0]), (0, extra[1]))
        coarse = keras.layers.Cropping2D(crop, name=f"{name}_crop")(coarse)
    return coarse


def shared_map(image: Any, config: TwoStageConfig) -> Any:
    """Wire image to shared map: the part that only key frames run.

    Stride 32 stays as it is, without dilation. A 3x3 convolution on its map is enlarged
    by repetition and added to a 1x1 convolution of the last stride-16 map. A ReLU
    follows, which the text does not mention: without one, the two 1x1 convolutions
    behind this map would only be products with those before it.

    Args:
        image: `(B, input_height, input_width, 3)`, normalised.
        config: of the detector.

    Returns:
        `(B, H, W, C)` as `shared_spec(config)` says.

    Source: Zhu et al., Towards High Performance Video Object Detection for Mobiles,
    sec. 3.3.
    """
    channels = shared_spec(config).channels
    _, fine, deep = build_backbone(
        image, config.backbone, width=config.width, normalization=config.normalization
    )
    deep = keras.layers.Conv2D(channels, 3, padding="same", name="deep_3x3")(deep)
    lateral = keras.layers.Conv2D(channels, 1, name="lateral_1x1")(fine)
    total = keras.layers.Add(name="sum")([lateral, enlarge(deep, lateral, "deep")])
    return keras.layers.ReLU(name="shared")(total)


def build_feature_network(
    config: TwoStageConfig, *, batch_size: int | None = None
) -> keras.Model:
    """Build image to shared map, see `shared_map`.

    Args:
        config: of the detector.
        batch_size: pictures in a batch; None takes any. Exporting needs it.
    """
    shape = (config.input_height, config.input_width, 3)
    image = keras.Input(shape, batch_size=batch_size, name="image")
    return keras.Model(image, shared_map(image, config), name="features")
