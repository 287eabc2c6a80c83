"""Any model of `keras.applications` as a backbone, by one adapter."""

import importlib
import math
import re
import warnings
from functools import lru_cache
from typing import Any, Final

import keras
import numpy as np

from detector.backbones.table import (
    Application,
    Backbone,
    Maps,
    Normalization,
    Options,
)
from vod.config import nearest
from vod.errors import ConfigError
from vod.types import FloatArray

LEVELS: Final = (3, 4, 5)
"""Halvings of the maps of strides 8, 16 and 32."""

PROBE_SIDE: Final = 320
"""Side of the picture on which layers' strides are read off, a multiple of 32.

Large enough that what unpadded convolutions take away is no halving.
"""

HALF_RANGE: Final = 127.5
"""Mean and scale of pictures whose network wants each channel in its own way."""


def application(name: str, **options: Any) -> keras.Model:
    """Build a model of `keras.applications` without its classifier.

    Layers with weights that Keras has numbered through the whole session get numbers of
    the model's own, so that a variable has the same path whatever was built before.

    Args:
        name: for example `ResNet50`.
        options: of its function: `input_shape`, `weights`, `alpha`...

    Raises:
        ConfigError: there is no such model, or it does not take this size.
    """
    build = _function(name)
    options = {"include_top": False, "weights": None, **options}
    try:
        with warnings.catch_warnings():
            # Of sizes that were not used on ImageNet: the maps are what counts here.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined")
            model = build(**options)
    except ValueError as error:
        told = " ".join(str(error).split())
        raise ConfigError(
            f"keras.applications.{name} cannot be built: {told}"
        ) from error
    names = _lasting_names(model)
    if not names:
        return _with_lasting_paths(model)

    def renamed(layer: Any) -> Any:
        own = {"name": names.get(layer.name, layer.name)}
        return type(layer).from_config(layer.get_config() | own)

    clone = keras.models.clone_model(model, clone_function=renamed)
    clone.set_weights(model.get_weights())
    return _with_lasting_paths(clone)


def application_maps(image: Any, name: str, options: Options = ()) -> Maps:
    """Wire a model of `keras.applications` onto an image.

    Args:
        image: `(B, H, W, 3)` of a fixed height and width, as the model wants it.
        name: for example `ResNet50`.
        options: of its function.

    Returns:
        See `detector.backbones.table.Maps`: of each stride the map that goes on to the
        next one (`map_places`). Where convolutions without padding have made it smaller
        than that, it is enlarged bilinearly.

    Raises:
        ConfigError: there is no such model, or it has no maps of these strides.
    """
    height, width = image.shape[1:3]
    model = application(name, input_shape=(height, width, 3), **dict(options))
    outputs = [model.operations[i].output for i in map_places(name, options)]
    maps = keras.Model(model.inputs[0], outputs, name="backbone")(image)
    fine, middle, coarse = (
        _on_grid(x, math.ceil(height / 2**level), math.ceil(width / 2**level), level)
        for level, x in zip(LEVELS, maps, strict=True)
    )
    return fine, middle, coarse


@lru_cache
def map_places(name: str, options: Options = ()) -> tuple[int, int, int]:
    """Find what gives the maps of strides 8, 16 and 32, by the shapes of outputs.

    A map is what a layer of twice its stride reads, for stride 32 the model's output;
    of several the widest, of these the last: the expanded map in MobileNet V2 and
    EfficientNet, a block's output in ResNet, VGG and Inception.

    Returns:
        Places in the model's `operations`, the same at every input size.

    Raises:
        ConfigError: a stride has none.
    """
    model = application(name, input_shape=(PROBE_SIDE, PROBE_SIDE, 3), **dict(options))
    place = {id(step.output): i for i, step in enumerate(model.operations)}
    found: dict[int | None, tuple[int, int]] = {}  # level to channels and place

    def offer(tensor: Any) -> None:
        best = (tensor.shape[-1], place[id(tensor)])
        found[_level(tensor)] = max(best, found.get(_level(tensor), best))

    for step in model.operations[1:]:
        level = _level(step.output)
        for tensor in keras.tree.flatten(step.input):
            source = model.operations[place[id(tensor)]]
            while isinstance(source, keras.layers.ZeroPadding2D):
                source = model.operations[place[id(source.input)]]
            if level is not None and _level(source.output) == level - 1:
                offer(source.output)
    offer(model.outputs[0])
    missing = [2**level for level in LEVELS if level not in found]
    if missing:
        raise ConfigError(
            f"keras.applications.{name} has no map of stride {missing[0]}, which a "
            "backbone needs."
        )
    fine, middle, coarse = (found[level][1] for level in LEVELS)
    return fine, middle, coarse


def find_application(name: str) -> Backbone:
    """Give a model of `keras.applications` as a backbone, with its own preprocessing.

    Raises:
        ConfigError: there is no such model.
    """
    gain, offset, order = _pixel_rule(name)
    alike = len({*gain}) == len({*offset}) == 1 and order == (0, 1, 2)
    mean = scale = HALF_RANGE
    if alike:
        mean, scale = abs(round(offset[0] / gain[0], 3)), round(1 / gain[0], 3)

    def build(image: Any, width: float, normalization: Normalization) -> Maps:  # noqa: ARG001
        if not alike:
            if order != (0, 1, 2):
                image = keras.ops.flip(image, axis=-1)
            # Of values v = (pixel - 127.5) / 127.5: gain * pixel + offset.
            image = keras.layers.Rescaling(
                [g * HALF_RANGE for g in gain],
                [g * HALF_RANGE + o for g, o in zip(gain, offset, strict=True)],
                name="channel_rescaling",
            )(image)
        return application_maps(image, name)

    return Backbone(build, Application(name), mean=mean, scale=scale, widths=(1.0,))


def imagenet_values(name: str, options: Options = ()) -> dict[str, FloatArray]:
    """Give the published ImageNet values by variable path; downloads them once.

    Raises:
        ConfigError: there is no such model, or none of this width.
        WeightsError: see `detector.backbones.initial`.
    """
    shape = (224, 224, 3)
    model = application(name, weights="imagenet", input_shape=shape, **dict(options))
    return {v.path: np.asarray(v, np.float32) for v in model.weights}


def _function(name: str) -> Any:
    known = [
        item
        for item in dir(keras.applications)
        if item[0].isupper() and callable(getattr(keras.applications, item))
    ]
    if name not in known:
        raise ConfigError(f"unknown backbone 'keras:{name}'.{nearest(name, known)}")
    return getattr(keras.applications, name)


def _pixel_rule(name: str) -> tuple[list[float], list[float], tuple[int, ...]]:
    """Read off how a model wants pixels: output c is gain * pixel[order] + offset.

    `preprocess_input` of its module is asked for black and for each channel alone.
    Models that do it inside leave pixels as they are.
    """
    module = importlib.import_module(_function(name).__module__)
    pixels = np.concatenate([np.zeros((1, 3)), 255 * np.eye(3)]).astype(np.float32)
    answer = module.preprocess_input(pixels.reshape(1, 4, 1, 3).copy())
    answer = np.asarray(answer, np.float64).reshape(4, 3)
    slopes = (answer[1:] - answer[0]) / 255  # [pixel's channel, output's channel]
    order = np.abs(slopes).argmax(axis=0)
    gain = slopes[order, np.arange(3)].round(9)
    return gain.tolist(), answer[0].round(6).tolist(), tuple(order.tolist())


def _lasting_names(model: keras.Model) -> dict[str, str]:
    """Give new names to layers with weights that are called by class and number."""
    counts: dict[str, int] = {}
    names = {}
    for layer in model.layers:
        kind = re.sub(r"_\d+$", "", layer.name)
        if layer.weights and kind.replace("_", "") == type(layer).__name__.lower():
            counts[kind] = counts.get(kind, 0) + 1
            names[layer.name] = f"{kind}_{counts[kind]}"
    return names


def _with_lasting_paths(model: keras.Model) -> keras.Model:
    """Give variables that Keras has numbered, as ConvNeXt's scales, the layer's path.

    There is no public way to name another's variable.
    """
    for variable in model.weights:
        variable._path = re.sub(r"/variable_\d+$", "/variable", variable.path)
    return model


def _level(tensor: Any) -> int | None:
    """Give how often a map of the probe was halved; None for what is no map."""
    shape: tuple[int, ...] = getattr(tensor, "shape", ())
    if len(shape) != 4 or not shape[1] or shape[1] == 1:
        return None
    return round(math.log2(PROBE_SIDE / shape[1]))


def _on_grid(x: Any, height: int, width: int, level: int) -> Any:
    if tuple(x.shape[1:3]) == (height, width):
        return x
    resize = keras.layers.Resizing(height, width, name=f"grid_{2**level}")
    return resize(x)
