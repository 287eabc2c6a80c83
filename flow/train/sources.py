"""The pairs that a training run learns from and those that it is measured on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from flow.augment.geometry import Mask
from flow.augment.pair import augment_pair
from flow.datasets.batches import RealPairsBatches
from flow.datasets.pairs import FlowPair
from flow.datasets.reading import AUTO, read_pairs
from flow.synthetic.atlas import build_atlas
from flow.synthetic.ops_batches import OpsBatches
from flow.synthetic.textures import TextureBank, read_textures
from flow.train.board import SHOWN_PAIRS, draw_pairs
from flow.train.config import GENERATED, DataConfig, FlowTrainConfig
from flow.train.data import RealBatches, SyntheticBatches
from flow.train.measure import measure_pairs, measure_synthetic
from vod.errors import ConfigError, FlowError
from vod.types import ByteArray, FloatArray

VALIDATION_SEED_OFFSET: Final = 1_000_003
"""Added to the seed for held-out scenes: none is both trained on and measured."""

HELD_OUT_SHARE: Final = 10
"""At most every tenth pair of a data set is held out, where no split says which."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a run's pairs come from.

    Attributes:
        batches: `keras.utils.PyDataset` with `first_batch` and `batch(number)`.
        measure: gives a model's figures on held-out pairs.
        draw: gives pictures of what a model does with some of them.
        origin: names the pairs, for the record of the weights.
        describe: tells which batch a number is.
    """

    batches: Any
    measure: Callable[[keras.Model], dict[str, float]]
    draw: Callable[[keras.Model], Mapping[str, ByteArray]]
    origin: str
    describe: Callable[[int], str]


def open_source(
    config: FlowTrainConfig, images: Sequence[Path], data: Path | None
) -> Source:
    """Find the pairs of a run; pictures of a data set are read as they are needed.

    Args:
        config: the run.
        images: folders of photographs, for generated pairs.
        data: folder of a data set, for the others.

    Raises:
        ConfigError: the folders do not suit `data.source`.
        FlowError: unusable images or pairs.
    """
    name = config.data.source
    if name in GENERATED:
        if not images or data is not None:
            raise ConfigError(
                f"data.source is {name}: name folders of photographs with --images, "
                "and no --data."
            )
        return _generated(config, images)
    if data is None or images:
        raise ConfigError(
            f"data.source is {name}: name the data set's folder with --data, and no "
            "--images."
        )
    return _measured(config, data)


def _describe(config: FlowTrainConfig) -> Callable[[int], str]:
    def describe(number: int) -> str:
        height, width, pairs = config.shapes[number % len(config.shapes)]
        size = f"{pairs} pairs of {height} x {width}"
        return f"batch {number} of seed {config.seed} ({size})"

    return describe


def _generated(config: FlowTrainConfig, images: Sequence[Path]) -> Source:
    bank = read_textures(
        images, limit=config.images, longest_side=config.longest_side, seed=config.seed
    )
    shared = (bank, config.synthetic, config.shapes)
    steps = config.schedule.steps_per_epoch
    held_out_seed = config.seed + VALIDATION_SEED_OFFSET
    # Held-out pairs are always drawn on the processor: figures stay comparable.
    held_out = SyntheticBatches(*shared, steps=steps, seed=held_out_seed)
    batches = _generated_batches(config, bank)

    def draw(model: keras.Model) -> Mapping[str, ByteArray]:
        (current, key), truth = held_out.batch(0)
        return draw_pairs(model, current, key, truth)

    names = ", ".join(sorted({folder.name for folder in images}))
    return Source(
        batches,
        lambda model: measure_synthetic(model, held_out, config.validation_pairs),
        draw,
        f"flow.train on synthetic pairs from {names}, seed {config.seed}",
        _describe(config),
    )


def _generated_batches(config: FlowTrainConfig, bank: TextureBank) -> Any:
    data, steps = config.data, config.schedule.steps_per_epoch
    if data.source == "ops":
        atlas = build_atlas(
            bank,
            config.synthetic,
            things=data.things,
            side=data.things_side,
            seed=config.seed,
        )
        return OpsBatches(
            atlas,
            config.synthetic,
            config.shapes,
            steps=steps,
            seed=config.seed,
            workers=data.workers,
        )
    return SyntheticBatches(
        bank,
        config.synthetic,
        config.shapes,
        steps=steps,
        seed=config.seed,
        reuse=config.reuse,
        workers=data.workers,
    )


def _measured(config: FlowTrainConfig, root: Path) -> Source:
    data = config.data
    training, held_out = _split(data, root, config.validation_pairs)
    crops = RealPairsBatches(
        training, config.shapes, seed=config.seed, transform=_transform(data)
    )
    batches = RealBatches(
        crops, steps=config.schedule.steps_per_epoch, workers=data.workers
    )
    shown = RealPairsBatches(
        held_out[:SHOWN_PAIRS],
        config.shapes,
        seed=config.seed,
        transform=_transform(data),
    )

    def draw(model: keras.Model) -> Mapping[str, ByteArray]:
        (current, key), truth = RealBatches(shown, steps=1, workers=1).batch(0)
        return draw_pairs(model, current, key, truth)

    of_split = f" {data.split}" if data.split else ""
    return Source(
        batches,
        lambda model: measure_pairs(model, held_out, name="val_epe"),
        draw,
        f"flow.train on {len(training)} pairs of {root.name}{of_split}, augmented, "
        f"seed {config.seed}",
        _describe(config),
    )


def _split(
    data: DataConfig, root: Path, most: int
) -> tuple[list[FlowPair], list[FlowPair]]:
    """Give the pairs to train on and those to measure on, none in both."""
    layout = AUTO if data.source == AUTO else data.source
    pairs = read_pairs(root, layout, data.split)
    if data.validation_split is not None:
        held = read_pairs(root, layout, data.validation_split)
        names = {pair.name for pair in held}
        pairs = [pair for pair in pairs if pair.name not in names]
        if not pairs:
            raise FlowError(
                f"{root}: every pair is in the validation split "
                f"'{data.validation_split}'. Name another data.split."
            )
        return pairs, held[:most]
    if len(pairs) < 2:
        raise FlowError(
            f"{root} holds one pair; training needs one more to be measured on."
        )
    count = max(1, min(most, len(pairs) // HELD_OUT_SHARE))
    chosen = set(np.linspace(0, len(pairs) - 1, count).astype(int).tolist())
    held = [pair for index, pair in enumerate(pairs) if index in chosen]
    return [pair for index, pair in enumerate(pairs) if index not in chosen], held


def _transform(data: DataConfig) -> Any:
    def transform(
        current: ByteArray,
        key: ByteArray,
        flow: FloatArray,
        valid: Mask,
        rng: np.random.Generator,
        *,
        size: tuple[int, int],
        batch: int,
    ) -> tuple[ByteArray, ByteArray, FloatArray, Mask]:
        strength = data.strength.at(batch)
        return augment_pair(
            current, key, flow, valid, rng, data.augment, strength, size
        )

    return transform
