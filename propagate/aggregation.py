"""Flow-guided aggregation: a convolutional GRU whose state follows the motion."""

from dataclasses import dataclass
from typing import Any, Final, Literal

import keras
from keras import layers, ops

from propagate.warp import Border
from propagate.warp_layer import BilinearWarp
from vod.errors import ConfigError

KERNEL: Final = 3  # paper, sec. 3.2: "3x3 convolution"


@dataclass(frozen=True, slots=True)
class AggregationConfig:
    """How features of key frames are put together.

    Attributes:
        layers: GRUs on top of each other; each has its own state.
        candidate: activation of the candidate state; the paper's is ReLU and it
            compares with tanh.
        first: aggregated features of a video's first key frame, which the paper does
            not define. `"features"`: its own, untouched, which become every layer's
            state. `"zeros"`: what the GRU makes of them and a state of 0.
        border: what the warp finds outside the state.
    """

    layers: int = 1
    candidate: Literal["relu", "tanh"] = "relu"
    first: Literal["features", "zeros"] = "features"
    border: Border = "edge"

    def __post_init__(self) -> None:
        if self.layers < 1:
            raise ConfigError(f"layers must be at least 1, received {self.layers}.")


def build_aggregation(
    config: AggregationConfig,
    *,
    height: int,
    width: int,
    channels: int,
    batch_size: int | None = None,
) -> keras.Model:
    """Build `[features, state, flow]` of a key frame to its state.

    With F the features of key frame k' and S the state of key frame k, warped by the
    flow from k' to k:

        z = sigmoid(Wz * F + Uz * S + bz)
        r = sigmoid(Wr * F + Ur * S + br)
        new = (1 - z) S + z relu(Wh * F + Uh * (r S) + bh)

    The next layer's F is this layer's new state. Convolutions that read the same map
    are one layer: `gru_N_w` holds Wz, Wr and Wh and their biases side by side, and
    `gru_N_u` Uz and Ur.

    Args:
        config: of the aggregation.
        height: rows of the grid.
        width: columns of the grid.
        channels: C of the features.
        batch_size: videos in a batch; None takes any. Exporting needs it.

    Returns:
        A model of features `(B, H, W, C)`, state `(B, H, W, layers * C)` and backward
        flow `(B, H, W, 2)` in cells, current key frame to the one before. It gives the
        new state, of the state's shape; `aggregated` takes the result out of it.

    Source: Zhu et al., Towards High Performance Video Object Detection for Mobiles
    (arXiv 1804.05830), eq. 6.
    """
    grid = (height, width)
    features = keras.Input((*grid, channels), batch_size, name="features")
    state = keras.Input((*grid, config.layers * channels), batch_size, name="state")
    flow = keras.Input((*grid, 2), batch_size, name="flow")
    # Places are float32, whatever precision the network runs in.
    warp = BilinearWarp(border=config.border, name="warped", dtype="float32")
    warped = warp([state, flow])
    states = Split(config.layers, name="states")(warped)
    tensor, news = features, []
    for index, layer_state in enumerate(states, start=1):
        tensor = _gru(tensor, layer_state, f"gru_{index}", config.candidate)
        news.append(tensor)
    if len(news) > 1:
        tensor = layers.Concatenate(name="new_state")(news)
    return keras.Model([features, state, flow], tensor, name="aggregation")


def _gru(features: Any, state: Any, name: str, candidate: str) -> Any:
    """Wire one GRU onto features and a state that lies where they do."""
    channels = features.shape[-1]

    def convolution(part: str, count: int, *, bias: bool) -> Any:
        return layers.Conv2D(
            count * channels,
            KERNEL,
            padding="same",
            use_bias=bias,
            name=f"{name}_{part}",
        )

    seen_z, seen_r, seen_h = Split(3, name=f"{name}_w_parts")(
        convolution("w", 3, bias=True)(features)
    )
    kept_z, kept_r = Split(2, name=f"{name}_u_parts")(
        convolution("u", 2, bias=False)(state)
    )
    z = layers.Activation("sigmoid", name=f"{name}_z")(seen_z + kept_z)
    r = layers.Activation("sigmoid", name=f"{name}_r")(seen_r + kept_r)
    kept_h = convolution("uh", 1, bias=False)(r * state)
    new = layers.Activation(candidate, name=f"{name}_candidate")(seen_h + kept_h)
    return (1 - z) * state + z * new


@keras.saving.register_keras_serializable(package="vod")
class Split(layers.Layer):
    """Cut `(..., parts * C)` into a list of `parts` tensors `(..., C)`."""

    def __init__(self, parts: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.parts = parts

    def call(self, tensor: Any) -> list[Any]:
        """Cut; see the class."""
        return list(ops.split(tensor, self.parts, axis=-1))

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {**super().get_config(), "parts": self.parts}


def first_state(model: keras.Model, config: AggregationConfig, features: Any) -> Any:
    """Give the state of a video's first key frame, which has none before it.

    Args:
        model: from `build_aggregation(config, ...)`.
        config: of that model.
        features: `(B, H, W, C)`.

    Returns:
        `(B, H, W, layers * C)`, as `config.first` says.
    """
    features = ops.convert_to_tensor(features)
    repeated = ops.concatenate([features] * config.layers, axis=-1)
    if config.first == "features":
        return repeated
    no_motion = ops.zeros_like(features[..., :2])
    return model([features, ops.zeros_like(repeated), no_motion])


def aggregated(state: Any, config: AggregationConfig) -> Any:
    """Give the aggregated features `(B, H, W, C)`: the last layer's state."""
    return state[..., -(state.shape[-1] // config.layers) :]
