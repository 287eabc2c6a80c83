"""Start a LightFlow from a wider one, and from what its first batch shows."""

from collections.abc import Mapping
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from flow.lightflow import (
    DECODER,
    ENCODER,
    PREDICTORS,
    LightFlowConfig,
    build_lightflow,
    fold_into,
    unfold_lightflow,
)
from vod.errors import ConfigError
from vod.types import FloatArray

Channels = npt.NDArray[np.intp]
"""Indices of the channels of a wide map that a narrow one keeps, rising."""

IMAGES: Final = "images"


def take_statistics(model: keras.Model, current: FloatArray, key: FloatArray) -> None:
    """Set the statistics of all normalisations to those of one batch.

    After it a random network gives maps of unit variance, also with its normalisations
    folded away. Source: Mishkin and Matas, All you need is a good init, ICLR 2016.

    Args:
        model: from `build_lightflow(config)`.
        current: `(B, H, W, 3)` in [-1, 1].
        key: the same.
    """
    norms = [x for x in model.layers if isinstance(x, layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    model([current, key], training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def narrow_lightflow(
    model: keras.Model,
    config: LightFlowConfig,
    narrow: LightFlowConfig,
    current: FloatArray,
    key: FloatArray,
) -> keras.Model:
    """Keep the channels that matter most of a wide network, as a start for training.

    A channel matters as much as it varies over a batch, times the size of the weights
    that read it. Nothing is fitted: the result is much worse than `model`, but learns
    faster than random weights.

    Args:
        model: from `build_lightflow(config)`, trained.
        config: of that model.
        narrow: the same but for a smaller width.
        current: `(B, H, W, 3)` in [-1, 1].
        key: the same.

    Returns:
        A network of `build_lightflow(narrow)`.

    Raises:
        ConfigError: `narrow` is not narrower, or differs in more.

    Source: Molchanov et al., Pruning Convolutional Neural Networks, ICLR 2017, for the
    idea of ranking channels by what they do on data.
    """
    same = LightFlowConfig(
        config.width, narrow.linear_predictors, narrow.negative_slope
    )
    if narrow.width > config.width or same != config:
        raise ConfigError(
            f"a network of {narrow} cannot start from one of {config}: it must be "
            "narrower and otherwise equal."
        )
    wide = build_lightflow(config, folded=True)
    fold_into(model, wide)
    kept = _kept_channels(wide, narrow, current, key)
    small = build_lightflow(narrow, folded=True)
    for block, source in _sources().items():
        taken = _read_channels(source, kept, wide)
        depthwise, pointwise = f"{block}_dw", f"{block}_pw"
        _assign(small, wide, depthwise, np.s_[:, :, taken], taken)
        made = kept[block]
        _assign(small, wide, pointwise, np.s_[:, :, taken[:, None], made], made)
    return unfold_lightflow(small, narrow)


def _assign(
    small: keras.Model, wide: keras.Model, name: str, kernel: Any, bias: Channels
) -> None:
    source, layer = wide.get_layer(name), small.get_layer(name)
    layer.kernel.assign(np.asarray(source.kernel)[kernel])
    layer.bias.assign(np.asarray(source.bias)[bias])


def _sources() -> dict[str, tuple[str, ...]]:
    """Give the blocks in wiring order, each with the blocks it reads."""
    sources: dict[str, tuple[str, ...]] = {}
    before = IMAGES
    for name, *_ in ENCODER:
        sources[name] = (before,)
        before = name
    for name, _, skip in DECODER:
        sources[name] = (before,) if skip is None else (before, skip)
        before = name
    return sources | {name: (source,) for name, source in PREDICTORS}


def _made(wide: keras.Model, block: str) -> int:
    """Give how many channels a block makes."""
    if block == IMAGES:
        return 6
    return int(wide.get_layer(f"{block}_pw").kernel.shape[-1])


def _read_channels(
    source: tuple[str, ...], kept: Mapping[str, Channels], wide: keras.Model
) -> Channels:
    """Give which channels of a block's joined input are kept."""
    parts, offset = [], 0
    for block in source:
        parts.append(kept[block] + offset)
        offset += _made(wide, block)
    return np.concatenate(parts)


def _kept_channels(
    wide: keras.Model, narrow: LightFlowConfig, current: FloatArray, key: FloatArray
) -> dict[str, Channels]:
    counts = {name: count for name, _, count in ENCODER}
    counts |= {name: count for name, count, _ in DECODER}
    outputs = [wide.get_layer(f"{name}_pw_relu").output for name in counts]
    maps = keras.Model(wide.inputs, outputs)([current, key], training=False)
    kept: dict[str, Channels] = {IMAGES: np.arange(6)}
    for (name, count), values in zip(counts.items(), maps, strict=True):
        spread = np.asarray(values).std(axis=(0, 1, 2))
        order = np.argsort(-spread * _reading_weight(wide, name), kind="stable")
        kept[name] = np.sort(order[: narrow.channels(count)])
    return kept | {name: np.arange(2) for name, _ in PREDICTORS}


def _reading_weight(wide: keras.Model, block: str) -> FloatArray:
    """Give, for each channel of a block, the size of the weights that read it."""
    total = np.zeros(_made(wide, block), np.float32)
    for reader, source in _sources().items():
        if block not in source:
            continue
        start = sum(_made(wide, b) for b in source[: source.index(block)])
        own = slice(start, start + len(total))
        depthwise = np.asarray(wide.get_layer(f"{reader}_dw").kernel)[:, :, own, 0]
        pointwise = np.asarray(wide.get_layer(f"{reader}_pw").kernel)[0, 0, own]
        total += np.linalg.norm(depthwise, axis=(0, 1)) * np.linalg.norm(
            pointwise, axis=1
        )
    return total
