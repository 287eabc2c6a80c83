"""The paper's system on a sample of frames, ending in the losses of the last one."""

from collections.abc import Mapping
from typing import Any, Final

from keras import ops

from detector.two_stage_config import shared_spec
from propagate.paper_frames import PaperFrames, PaperStep
from propagate.paper_networks import PaperNetworks
from vod.errors import ConfigError
from vod.preprocess import Preprocessing

INPUTS: Final = ("frames", "moved", "boxes", "labels")


class PaperLearner(PaperStep):
    """Runs inference on a sample, and compares at its end.

    Call with `[frames, moved, boxes, labels]`: `(B, keys + 1, H, W, 3)` normalised for
    the detector, oldest first, of which the last one is judged; `(B,)` 0 where that is
    the last key frame itself, else 1; its objects. Gives the head's losses, each
    `(B,)`. All networks take part and all of them learn.

    Args:
        networks: with losses.
        preprocessing: of the detector.

    Source: Zhu et al., Towards High Performance Video Object Detection for Mobiles,
    sec. 3.4.
    """

    def __init__(self, networks: PaperNetworks, preprocessing: Preprocessing) -> None:
        if networks.losses is None:
            raise ConfigError("these networks were built to detect, not to learn.")
        super().__init__(PaperFrames(networks, preprocessing), "learner")
        self.losses_of_head = networks.losses
        self._grid = shared_spec(networks.config.detector)
        self._aggregates = networks.aggregation is not None

    def call(self, inputs: list[Any]) -> Mapping[str, Any]:
        """Run; see the class."""
        frames, moved, boxes, labels = inputs
        count = int(frames.shape[1]) - 1
        height, width = frames.shape[2:4]
        steps = self.steps
        # Nothing of older keys is left where nothing is aggregated.
        first = 0 if self._aggregates else count - 1
        keys = ops.reshape(frames[:, first:count], (-1, height, width, 3))
        small = steps.small(ops.reshape(frames[:, first:], (-1, height, width, 3)))
        small = ops.reshape(small, (-1, count - first + 1, *small.shape[1:]))
        features = self._unfold(steps.features(keys), count - first)
        motion = steps.motion(
            ops.reshape(small[:, 1:], (-1, *small.shape[2:])),
            ops.reshape(small[:, :-1], (-1, *small.shape[2:])),
        )
        motion = self._unfold(motion, count - first)
        state = steps.first(features[:, 0])
        for key in range(1, count - first):
            state = steps.aggregate(features[:, key], state, motion[:, key - 1])
        # As at inference, a key frame's own maps go to the head as they are.
        last = motion[:, -1] * moved[:, None, None, None]
        maps = steps.propagate(steps.maps(state), last)
        return self.losses_of_head([*maps, boxes, labels])

    def _unfold(self, values: Any, frames: int) -> Any:
        """Give `(B, frames, h, w, C)` of `(B * frames, h, w, C)`."""
        grid = self._grid
        return ops.reshape(
            values, (-1, frames, grid.height, grid.width, values.shape[-1])
        )


def blank_sample(networks: PaperNetworks, *, keys: int, objects: int) -> dict[str, Any]:
    """Give a sample of zeros: Keras wants a model that has run."""
    detector = networks.config.detector
    shape = (1, keys + 1, detector.input_height, detector.input_width, 3)
    return {
        "frames": ops.zeros(shape),
        "moved": ops.ones((1,)),
        "boxes": ops.zeros((1, objects, 4)),
        "labels": ops.full((1, objects), -1, dtype="int32"),
    }
