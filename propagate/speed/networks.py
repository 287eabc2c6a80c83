"""The forms of the detector that a planner may choose from: sizes and precisions."""

from collections.abc import Sequence
from itertools import product
from typing import Final, get_args, get_type_hints

from propagate.config import EngineConfig
from propagate.detector_choice import size_settings
from propagate.speed.choices import Base, Network
from vod.errors import ConfigError
from vod.video_info import VideoInfo

PRECISIONS: Final[tuple[str, ...]] = get_args(get_type_hints(EngineConfig)["precision"])
"""The most exact first."""


def networks_of(
    base: Base, sizes: Sequence[str], precisions: Sequence[str], info: VideoInfo
) -> list[Network]:
    """List every size in every precision, the first size and precision first.

    Args:
        base: what the user has fixed; a bundle has one size and precision.
        sizes: such as `224x400` (rows, columns) or `66000` (pixels, in sides that suit
            the video); none is that of the config.
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
    networks = [
        Network(
            " ".join([config.detector.name, *([size] if size else []), precision]),
            (*_settings(base, size, info), f"engine.precision={precision}"),
            (*(("--size", size) if size else ()), "--precision", precision),
        )
        for size, precision in product(sizes or [""], chosen)
    ]
    for network in networks:
        base.config(*network.settings)  # refused here, before any work
    return networks


def _settings(base: Base, size: str, info: VideoInfo) -> tuple[str, ...]:
    stated = size_settings(size) if size else ()
    sides = base.config(*stated).detector.in_shape_of(info).size
    if sides is None:
        return ()
    return f"detector.size={list(sides)}", "detector.pixels=null"
