"""The paper's feature network: MobileNet V1 and a pyramid of two levels."""

import keras

from detector.mobilenet import mobilenet_v1
from detector.two_stage_config import TwoStageConfig, shared_spec


def build_feature_network(
    config: TwoStageConfig, *, batch_size: int | None = None
) -> keras.Model:
    """Build image to shared map: the part that only key frames run.

    Stride 32 stays as it is, without dilation. A 3x3 convolution on its map is enlarged
    by repetition and added to a 1x1 convolution of the last stride-16 map. A ReLU
    follows, which the text does not mention: without one, the two 1x1 convolutions
    behind this map would only be products with those before it.

    Args:
        config: of the detector.
        batch_size: pictures in a batch; None takes any. Exporting needs it.

    Returns:
        A model from `image` `(B, input_height, input_width, 3)`, normalised, to
        `(B, H, W, C)` as `shared_spec(config)` says.

    Source: Zhu et al., Towards High Performance Video Object Detection for Mobiles,
    sec. 3.3.
    """
    spec = shared_spec(config)
    shape = (config.input_height, config.input_width, 3)
    image = keras.Input(shape, batch_size=batch_size, name="image")
    fine, deep = mobilenet_v1(
        image, width=config.width, normalization=config.normalization
    )
    deep = keras.layers.Conv2D(spec.channels, 3, padding="same", name="deep_3x3")(deep)
    deep = keras.layers.UpSampling2D(2, name="deep_up")(deep)
    # An odd side was halved upwards: 25 columns become 13, enlarged 26.
    extra = (deep.shape[1] - spec.height, deep.shape[2] - spec.width)
    if any(extra):
        crop = ((0, extra[0]), (0, extra[1]))
        deep = keras.layers.Cropping2D(crop, name="deep_crop")(deep)
    lateral = keras.layers.Conv2D(spec.channels, 1, name="lateral_1x1")(fine)
    total = keras.layers.Add(name="sum")([lateral, deep])
    shared = keras.layers.ReLU(name="shared")(total)
    return keras.Model(image, shared, name="features")
