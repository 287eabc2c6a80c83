"""The forms of the detector that a planner may choose from: sizes and precisions."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Final, get_args, get_type_hints

from detector.registry import weights_folder
from propagate.config import NO_FLOW, EngineConfig, PipelineConfig
from propagate.detector_choice import size_settings
from propagate.networks import has_graphs
from propagate.paper_detector import NETWORK as PAPER
from propagate.speed.choices import Base, Network
from vod.errors import ConfigError
from vod.sizes import Size
from vod.video_info import VideoInfo
from vod.weights import read_record

PRECISIONS: Final[tuple[str, ...]] = get_args(get_type_hints(EngineConfig)["precision"])
"""The most exact first."""

OFFERED: Final = (1.0, 0.73)
"""Shares of the pixels of training, in sides that suit the video, to try unasked.

What they are worth: docs/export.md, "Which sizes"."""


def networks_of(
    base: Base, sizes: Sequence[str], precisions: Sequence[str], info: VideoInfo
) -> list[Network]:
    """List every size in every precision, the first size and precision first.

    Args:
        base: what the user has fixed; a bundle has one size and precision.
        sizes: such as `224x400` (rows, columns) or `66000` (pixels, in sides that suit
            the video); none is that of the config and, where it states none and the
            graphs at hand run any, some more after it: see `OFFERED`.
        precisions: none is all that there are.
        info: of the video.

    Raises:
        ConfigError: a size or precision is not one.
    """
    config = base.config()
    if config.engine.bundle is not None:
        if sizes or precisions:
            raise ConfigError(
                "a bundle has a size and precision of its own: leave --sizes and "
                "--precision out, or leave the bundle out."
            )
        return [Network(config.engine.bundle.name)]
    runs_graphs = config.engine.name != "tensorflow"
    chosen = list(precisions) or list(PRECISIONS if runs_graphs else PRECISIONS[:1])
    asked = [
        _network(base, size, precision, info)
        for size, precision in product(sizes or [""], chosen)
    ]
    for network in asked:
        base.config(*network.settings)  # refused here, before any work
    offered = [
        replace(_network(base, size, precision, info), is_offered=True)
        for size, precision in product([] if sizes else _offered(config, info), chosen)
    ]
    return asked + [
        network
        for network in offered
        if has_graphs(base.config(*network.settings_with(NO_FLOW)))
    ]


def _network(base: Base, size: str, precision: str, info: VideoInfo) -> Network:
    """Give a size, or the config's if it is empty, in a precision."""
    name = base.config().detector.name
    return Network(
        " ".join([name, *([size] if size else []), precision]),
        (*_settings(base, size, info), f"engine.precision={precision}"),
        (*(("--size", size) if size else ()), "--precision", precision),
    )


def _offered(config: PipelineConfig, info: VideoInfo) -> list[str]:
    """Give numbers of pixels that are worth a try, each of other sides."""
    choice = config.detector
    if choice.name == PAPER or choice.size is not None or choice.pixels is not None:
        return []
    pictures = read_record(weights_folder(choice.name, choice.weights)).preprocessing
    known: list[Size | None] = [(pictures.height, pictures.width)]
    found = []
    for share in OFFERED:
        pixels = int(round(share * pictures.height * pictures.width, -3))
        try:
            size = replace(choice, pixels=pixels).in_shape_of(info).size
        except ConfigError:  # sides too short or too long
            continue
        if size not in known:
            found.append(str(pixels))
            known.append(size)
    return found


def _settings(base: Base, size: str, info: VideoInfo) -> tuple[str, ...]:
    stated = size_settings(size) if size else ()
    sides = base.config(*stated).detector.in_shape_of(info).size
    if sides is None:
        return ()
    return f"detector.size={list(sides)}", "detector.pixels=null"
