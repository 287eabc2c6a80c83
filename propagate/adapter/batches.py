"""Pairs of frames, a key frame and a later one, as the training of maps takes them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from flow.estimator import FlowEstimator, shrink
from flow.train.data import normalise
from propagate.adapter.train_config import MapsTrainConfig
from propagate.joint.augmented import Augmenter
from propagate.train_data import Clip
from vod.fitting.batches import NumberedBatches
from vod.preprocess import Preprocessing
from vod.types import ByteArray, FloatArray


class MapsBatches(NumberedBatches):
    """Endless batches, the same for the same seed, as `MapsModel` takes them."""

    def __init__(
        self,
        clips: Sequence[Clip],
        config: MapsTrainConfig,
        preprocessing: Preprocessing,
        *,
        flow: FlowEstimator | None,
        flow_side: int,
    ) -> None:
        """Take what to draw from.

        Args:
            clips: at least one.
            config: of the run.
            preprocessing: the detector's; its pictures are square.
            flow: what maps are warped along; None where that is trained as well.
            flow_side: of a trained flow's pictures.
        """
        super().__init__(
            steps=config.schedule.steps_per_epoch, workers=1, max_queue_size=6
        )
        self._clips, self._config, self._preprocessing = clips, config, preprocessing
        self._flow, self._flow_side = flow, flow_side
        self._augmented = Augmenter(config.pairs, size=preprocessing.height, cells=1)
        roots = np.sqrt([len(clip.pictures) for clip in clips])
        self._odds = roots / roots.sum()

    def batch(self, number: int) -> Any:
        """Give the batch with this number, its targets empty: the teacher's."""
        rng = np.random.default_rng((self._config.seed, number))
        drawn = [self._draw(rng) for _ in range(self._config.batch_size)]
        take = self._preprocessing.normalise
        inputs = {
            "current": np.concatenate([take(current) for current, _ in drawn]),
            "key": np.concatenate([take(key) for _, key in drawn]),
        }
        if self._flow is not None:
            inputs["flow"] = np.stack([_told(self._flow, *pair) for pair in drawn])
        else:
            side = self._flow_side
            for index, name in enumerate(("small_current", "small_key")):
                small = np.stack([shrink(pair[index], side, side) for pair in drawn])
                inputs[name] = normalise(small)
        return inputs, np.zeros(len(drawn), np.float32)

    def _draw(self, rng: np.random.Generator) -> tuple[ByteArray, ByteArray]:
        clip = self._clips[int(rng.choice(len(self._clips), p=self._odds))]
        distance = int(rng.choice(self._config.pairs.distances))
        distance = min(distance, len(clip.pictures) - 1)
        key = int(rng.integers(len(clip.pictures) - distance))
        shown = clip.pictures[key + distance], clip.pictures[key]
        # Nothing but the pictures is wanted of this pair.
        pair = self._augmented(
            shown, np.zeros((1, 1, 3), np.float32), np.zeros((0, 8), np.float32), rng
        )
        return pair.current, pair.earlier


def _told(flow: FlowEstimator, current: ByteArray, key: ByteArray) -> FloatArray:
    """Give the flow from one picture to another, in shares of the picture."""
    field = flow(flow.prepare(current), flow.prepare(key))
    return field.in_pixels(image_height=1, image_width=1)
