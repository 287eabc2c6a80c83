"""Backbones by name; reading the table imports no network library."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from vod.config import nearest
from vod.errors import ConfigError

Normalization = Literal["batch", "none"]

Maps = tuple[Any, Any, Any]
"""Of strides 8, 16 and 32: `(B, ceil(H / stride), ceil(W / stride), C)`."""

Builder = Callable[[Any, float, Normalization], Maps]
"""Wires a backbone onto `(B, H, W, 3)`: image, width and normalization to its maps."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """One way from a picture to maps.

    Attributes:
        build: see `Builder`.
        mean: pixel value that its input has as 0, see `vod.preprocess.Preprocessing`.
        scale: divisor of its input, in pixel values.
        widths: channel multipliers that it comes in; None is any.
        normalizations: `"none"` where it can be built without BatchNorm.
    """

    build: Builder
    mean: float = 127.5
    scale: float = 127.5
    widths: tuple[float, ...] | None = None
    normalizations: tuple[Normalization, ...] = ("batch",)


def _mobilenet_v1(image: Any, width: float, normalization: Normalization) -> Maps:
    from detector.mobilenet import mobilenet_v1

    return mobilenet_v1(image, width=width, normalization=normalization)


BACKBONES: Final[Mapping[str, Backbone]] = {
    "mobilenet_v1": Backbone(_mobilenet_v1, normalizations=("batch", "none")),
}


def find_backbone(name: str) -> Backbone:
    """Give the backbone of a name.

    Raises:
        ConfigError: there is none.
    """
    if name not in BACKBONES:
        raise ConfigError(f"unknown backbone '{name}'.{nearest(name, list(BACKBONES))}")
    return BACKBONES[name]


def check_backbone(name: str, width: float, normalization: Normalization) -> None:
    """Check a backbone's name, and that it comes in this width and normalization.

    Raises:
        ConfigError: it does not.
    """
    backbone = find_backbone(name)
    if not 0 < width <= 4:
        raise ConfigError(f"width must lie in (0, 4], received {width}.")
    if backbone.widths is not None and width not in backbone.widths:
        known = ", ".join(f"{known:g}" for known in backbone.widths)
        raise ConfigError(f"width of {name} must be one of {known}, received {width}.")
    if normalization not in backbone.normalizations:
        known = ", ".join(backbone.normalizations)
        raise ConfigError(
            f"normalization of {name} must be one of {known}, received {normalization}."
        )


def build_backbone(
    image: Any, name: str, *, width: float, normalization: Normalization
) -> Maps:
    """Wire a backbone onto an image.

    Args:
        image: `(B, H, W, 3)`, normalised as the backbone's `mean` and `scale` say.
        name: see `find_backbone`.
        width: multiplier of every layer's channels.
        normalization: `"batch"`, or `"none"` for convolutions with bias.

    Returns:
        See `Maps`.

    Raises:
        ConfigError: there is no such backbone.
    """
    check_backbone(name, width, normalization)
    return find_backbone(name).build(image, width, normalization)
