"""The paper's system as Keras models, one for each thing that a frame runs."""

from collections.abc import Mapping
from typing import Any, Final

import keras

from detector.two_stage_config import map_specs, shared_spec
from propagate.aggregation import AggregationConfig
from propagate.paper_detector import PaperDetector
from propagate.paper_frames import PaperFrames, PaperStep
from propagate.paper_networks import PaperNetworks
from vod.graph import Graph
from vod.preprocess import Preprocessing
from vod.types import FloatArray

MAPS: Final = ("rpn", "regions")

SIDES: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "first_key": (("image",), ("small", "state", *MAPS)),
    "next_key": (("image", "small", "state"), ("small", "state", *MAPS)),
    "between": (("image", "small", *MAPS), ("flow", *MAPS)),
    "head": (MAPS, ("boxes", "scores")),
}
"""What each takes and gives, by role; see `PaperDetector`."""


def paper_detector(
    networks: PaperNetworks, preprocessing: Preprocessing, *, aggregate: bool = True
) -> PaperDetector:
    """Give the system on Keras models, which see what the networks learn later.

    Args:
        networks: of the system, filled.
        preprocessing: of the detector.
        aggregate: let key frames use what was seen at those before; without it every
            key frame stands alone and the flow serves the frames between.
    """
    steps = paper_steps(networks, preprocessing)
    if not aggregate:
        steps.pop("next_key", None)
    return PaperDetector.of(
        preprocessing, {role: _compiled(step) for role, step in steps.items()}
    )


def paper_models(
    networks: PaperNetworks, preprocessing: Preprocessing
) -> dict[str, keras.Model]:
    """Give functional models of batch 1 by role: what is exported."""
    config = networks.config
    spec = shared_spec(config.detector)
    layers = (config.aggregation or AggregationConfig()).layers
    shapes = {
        "image": (preprocessing.height, preprocessing.width, 3),
        "small": (*config.flow_size, 3),
        "state": (spec.height, spec.width, layers * spec.channels),
    }
    for one in map_specs(config.detector):
        shapes[one.name] = (one.height, one.width, one.channels)
    models = {}
    for role, step in paper_steps(networks, preprocessing).items():
        inputs = [
            keras.Input(batch_shape=(1, *shapes[name]), name=name)
            for name in SIDES[role][0]
        ]
        outputs = step(inputs)
        given = inputs if len(inputs) > 1 else inputs[0]
        models[role] = keras.Model(given, outputs, name=role)
    return models


def paper_steps(
    networks: PaperNetworks, preprocessing: Preprocessing
) -> dict[str, keras.Model]:
    """Give what a frame runs by role; nothing aggregated, there is no `next_key`."""
    steps = PaperFrames(networks, preprocessing)
    models = {
        "first_key": _First(steps, "first_key"),
        "next_key": _Next(steps, "next_key"),
        "between": _Between(steps, "between"),
        "head": networks.head,
    }
    if networks.aggregation is None:
        del models["next_key"]
    return models


class _First(PaperStep):
    """`[image]` to the flow's picture, state and maps, without a key frame before."""

    def call(self, inputs: list[Any]) -> list[Any]:
        steps = self.steps
        state = steps.first(steps.features(inputs[0]))
        return [steps.small(inputs[0]), state, *steps.maps(state)]


class _Next(PaperStep):
    """`[image, small, state]`, the last two of the key frame before, to the same."""

    def call(self, inputs: list[Any]) -> list[Any]:
        image, before, state = inputs
        steps = self.steps
        small = steps.small(image)
        motion = steps.motion(small, before)
        state = steps.aggregate(steps.features(image), state, motion)
        return [small, state, *steps.maps(state)]


class _Between(PaperStep):
    """`[image, small, *maps]`, all but the image of the key frame, to flow and maps."""

    def call(self, inputs: list[Any]) -> list[Any]:
        image, before, *maps = inputs
        motion = self.steps.motion(self.steps.small(image), before)
        return [motion, *self.steps.propagate(maps, motion)]


def _compiled(model: keras.Model) -> Graph:
    """Give a function of a model that runs as a graph."""
    model.compile(jit_compile=keras.backend.backend() == "jax")

    def run(*inputs: FloatArray) -> tuple[FloatArray, ...]:
        return tuple(model.predict_on_batch(list(inputs)))

    return run
