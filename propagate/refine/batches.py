"""Draw what the refiner learns from: a template, what a box frames, the truth."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detector.train_augment import AugmentConfig, distort
from flow.train.data import normalise
from propagate.refine.config import RefinerConfig
from propagate.refine.crops import crop_boxes, encode_corrections
from propagate.refine.stills import Still
from propagate.refine.subjects import Subject
from vod.errors import ConfigError
from vod.fitting.batches import NumberedBatches
from vod.types import ByteArray, FloatArray


@dataclass(frozen=True, slots=True)
class DrawConfig:
    """How examples are drawn.

    Attributes:
        videos: share of examples from videos; the rest are stills, their own template.
        pseudo: share of those from videos whose video is a generated snippet.
        carried: of those from videos, share whose box is the one that flow carried; the
            others' is the true one, moved at random.
        absent: share whose crop shows another object altogether.
        least_error: of a box moved at random, root mean square in sides.
        greatest_error: likewise; drawn log-uniformly in between, and told as doubt.
        framing: like error of the template's own box.
        light: how colours change.
    """

    videos: float = 0.6
    pseudo: float = 0.0
    carried: float = 0.5
    absent: float = 0.08
    least_error: float = 0.02
    greatest_error: float = 0.35
    framing: float = 0.02
    light: AugmentConfig = field(
        default_factory=lambda: AugmentConfig(blur_px=5, blur=0.15)
    )

    def __post_init__(self) -> None:
        for name in ("videos", "pseudo", "carried", "absent"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} must lie in [0, 1].")
        if not 0 < self.least_error <= self.greatest_error < 1:
            raise ConfigError(
                "errors must lie in (0, 1), least_error below greatest_error."
            )


@dataclass(frozen=True, eq=False, slots=True)
class Example:
    """One thing to learn.

    Attributes:
        current: `(S, S, 3)` uint8 crop around the box that must be corrected.
        template: `(S, S, 3)` uint8 crop of the key frame.
        doubt: expected error of the box, in sides.
        correction: `(4,)`, see `encode_corrections`.
        present: 1 where the crop shows the object, else 0.
    """

    current: ByteArray
    template: ByteArray
    doubt: float
    correction: FloatArray
    present: float


class Examples:
    """Draws examples; the same `rng` state gives the same one."""

    def __init__(
        self,
        subjects: Sequence[Sequence[Subject]],
        stills: Sequence[Still],
        network: RefinerConfig,
        config: DrawConfig,
        *,
        snippets: Sequence[Sequence[Subject]] = (),
    ) -> None:
        """Take what to draw from.

        Args:
            subjects: of each clip; a clip is drawn with the root of their number.
            stills: pictures with objects.
            network: says how crops are cut.
            config: how to draw.
            snippets: of each generated snippet, drawn alike.

        Raises:
            ConfigError: there is nothing to draw a wanted share from.
        """
        self._clips = [clip for clip in subjects if clip]
        self._snippets = [snippet for snippet in snippets if snippet]
        self._stills, self._network, self._config = stills, network, config
        if config.videos > 0 and not self._clips:
            raise ConfigError("the detector follows no object in these videos.")
        if config.videos > 0 and config.pseudo > 0 and not self._snippets:
            raise ConfigError("no snippet shows an object: give --stills, snippets=60.")
        if (config.videos < 1 or config.absent > 0) and not stills:
            raise ConfigError("no picture has an object: give --stills or --images.")
        weights = np.sqrt([len(clip) for clip in self._clips])
        self._odds = weights / weights.sum() if len(weights) else weights

    def draw(self, rng: np.random.Generator) -> Example:
        """Draw one example."""
        absent = rng.random() < self._config.absent
        if rng.random() >= self._config.videos:
            still = self._still(rng)
            box = _one_of(still.boxes, rng)
            here = (still.picture, box)
            return self._moved(here, here, rng, absent=absent)
        subject = self._subject(rng)
        age = int(rng.integers(1, len(subject.boxes)))
        key = (subject.pictures[subject.first], subject.boxes[0])
        current = (subject.pictures[subject.first + age], subject.boxes[age])
        if not absent and rng.random() < self._config.carried:
            carried, doubt = subject.carried[age], float(subject.doubts[age])
            return self._example(key, current, carried, doubt, rng)
        if rng.random() < 0.5:
            key, current = current, key
        return self._moved(key, current, rng, absent=absent)

    def _subject(self, rng: np.random.Generator) -> Subject:
        # No chance is spent on snippets where there are none.
        if self._config.pseudo > 0 and rng.random() < self._config.pseudo:
            clip = self._snippets[int(rng.integers(len(self._snippets)))]
        else:
            clip = self._clips[int(rng.choice(len(self._clips), p=self._odds))]
        return clip[int(rng.integers(len(clip)))]

    def _still(self, rng: np.random.Generator) -> Still:
        return self._stills[int(rng.integers(len(self._stills)))]

    def _moved(
        self,
        key: tuple[ByteArray, FloatArray],
        current: tuple[ByteArray, FloatArray],
        rng: np.random.Generator,
        *,
        absent: bool,
    ) -> Example:
        """Move the true box at random; where absent, another picture's object."""
        if absent:
            other = self._still(rng)
            current = (other.picture, _one_of(other.boxes, rng))
        low, high = self._config.least_error, self._config.greatest_error
        error = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        box = moved_box(current[1], error, rng)
        return self._example(key, current, box, error, rng, present=not absent)

    def _example(
        self,
        key: tuple[ByteArray, FloatArray],
        current: tuple[ByteArray, FloatArray],
        box: FloatArray,
        doubt: float,
        rng: np.random.Generator,
        *,
        present: bool = True,
    ) -> Example:
        side, context = self._network.side, self._network.context
        framed = moved_box(key[1], self._config.framing, rng)
        template = crop_boxes(key[0], framed[None], side=side, context=context)[0]
        seen = crop_boxes(current[0], box[None], side=side, context=context)[0]
        correction = encode_corrections(current[1][None], box[None])[0]
        if rng.random() < 0.5:
            template, seen = template[:, ::-1], seen[:, ::-1]
            correction = correction * np.array([-1, 1, 1, 1], np.float32)
        light = self._config.light
        return Example(
            distort(rng, np.ascontiguousarray(seen), light),
            distort(rng, np.ascontiguousarray(template), light),
            doubt,
            correction,
            float(present),
        )


def _one_of(boxes: FloatArray, rng: np.random.Generator) -> FloatArray:
    box: FloatArray = boxes[int(rng.integers(len(boxes)))]
    return box


def moved_box(box: FloatArray, error: float, rng: np.random.Generator) -> FloatArray:
    """Move and scale a `(4,)` box by Laplace noise of this root mean square, in sides.

    Laplace as in GOTURN: small errors are frequent, large ones happen.
    """
    spread = error / np.sqrt(2)
    shift = np.clip(rng.laplace(0, spread, 2), -0.5, 0.5)
    growth = np.clip(rng.laplace(0, spread, 2), -0.7, 0.7)
    sides = box[2:] - box[:2]
    centre = (box[:2] + box[2:]) / 2 + shift * sides
    half = sides * np.exp(growth) / 2
    return np.concatenate([centre - half, centre + half]).astype(np.float32)


class RefinerBatches(NumberedBatches):
    """Endless batches, the same for the same seed.

    Gives `[current, template, doubt]` and `(B, 5)`: correction and presence.
    """

    def __init__(
        self, examples: Examples, *, batch_size: int, steps: int, seed: int
    ) -> None:
        super().__init__(steps=steps, workers=1, max_queue_size=8)
        self._examples, self._size = examples, batch_size
        self._seed = seed

    def batch(self, number: int) -> Any:
        """Give the batch with this number."""
        rng = np.random.default_rng((self._seed, number))
        drawn = [self._examples.draw(rng) for _ in range(self._size)]
        target = [np.append(one.correction, one.present) for one in drawn]
        inputs = (
            normalise(np.stack([one.current for one in drawn])),
            normalise(np.stack([one.template for one in drawn])),
            np.log(np.array([[one.doubt] for one in drawn], np.float32)),
        )
        return inputs, np.stack(target).astype(np.float32)
