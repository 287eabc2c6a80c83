"""What the paper's system does with a frame: on key frames, and between them.

Source: Zhu et al., Towards High Performance Video Object Detection for Mobiles, sec. 3.
"""

from typing import Any

import keras

from detector.two_stage_config import shared_spec
from propagate.aggregation import AggregationConfig, aggregated, first_state
from propagate.flow_grid import AreaResize, FlowToGrid
from propagate.paper_networks import PaperNetworks
from propagate.warp_layer import BilinearWarp
from vod.preprocess import Preprocessing

FLOW_PICTURES = Preprocessing(1, 1)
"""How LightFlow wants its pictures normalised; its size does not count here."""


class PaperFrames:
    """The system's steps on batches of frames, in the backend's tensors.

    Functions only: a `PaperStep` is a model made of them.

    Args:
        networks: of the system.
        preprocessing: of the detector; the flow gets pictures as it knows them.
    """

    def __init__(self, networks: PaperNetworks, preprocessing: Preprocessing) -> None:
        config = networks.config
        spec = shared_spec(config.detector)
        height, width = config.flow_size
        self.features, self.head_maps = networks.features, networks.head_maps
        self.aggregation, self.flow = networks.aggregation, networks.flow
        self._how = config.aggregation or AggregationConfig()
        self._shrink = AreaResize(height, width)
        self._to_grid = FlowToGrid(
            spec.height,
            spec.width,
            input_height=height,
            input_width=width,
            dtype="float32",  # of places, whatever precision the networks run in
        )
        self._warp = BilinearWarp(border=self._how.border, dtype="float32")
        self.parts = [self.features, self.head_maps, self.flow]
        if self.aggregation is not None:
            self.parts.append(self.aggregation)
        self._factor = preprocessing.scale / FLOW_PICTURES.scale
        self._shift = (preprocessing.mean - FLOW_PICTURES.mean) / FLOW_PICTURES.scale

    def small(self, images: Any) -> Any:
        """Give the flow network's pictures of the detector's."""
        return self._shrink(images) * self._factor + self._shift

    def motion(self, current: Any, key: Any) -> Any:
        """Give the flow from frames to their keys, in cells of the features' grid.

        Both as `small` gives them.
        """
        return self._to_grid(self.flow([current, key]))

    def first(self, features: Any) -> Any:
        """Give the state of a video's first key frame from its features."""
        if self.aggregation is None:
            return features
        return first_state(self.aggregation, self._how, features)

    def aggregate(self, features: Any, state: Any, motion: Any) -> Any:
        """Give the state of a key frame, from that of the key frame before."""
        if self.aggregation is None:
            return features
        return self.aggregation([features, state, motion])

    def maps(self, state: Any) -> list[Any]:
        """Give the head's maps of a key frame from its state."""
        if self.aggregation is not None:
            state = aggregated(state, self._how)
        return list(self.head_maps(state))

    def propagate(self, maps: list[Any], motion: Any) -> list[Any]:
        """Give the head's maps of a frame from those of its key frame."""
        return [self._warp([one, motion]) for one in maps]


class PaperStep(keras.Model):
    """A model that calls the steps and owns the networks behind them.

    Args:
        steps: of the system.
        name: of the model.
    """

    def __init__(self, steps: PaperFrames, name: str) -> None:
        # Boxes keep their places, whatever precision the networks run in.
        super().__init__(name=name, autocast=False)
        self.steps, self.parts = steps, steps.parts

    def build(self, _shapes: Any) -> None:
        """Do nothing: the networks were built when they were made."""
        self.built = True
