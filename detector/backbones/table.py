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

APPLICATIONS: Final = "keras:"
"""What the names of backbones out of `keras.applications` begin with."""

Options = tuple[tuple[str, Any], ...]
"""Keyword arguments, as pairs."""


@dataclass(frozen=True, slots=True)
class Application:
    """A model of `keras.applications`; of it there are ImageNet weights.

    Attributes:
        name: for example `MobileNetV2`.
        takes_width: it comes in several widths, as `alpha`.
        options: what else its function is given.
    """

    name: str
    takes_width: bool = False
    options: Options = ()

    def options_at(self, width: float) -> Options:
        """Give the arguments of its function at a width."""
        return (*self.options, ("alpha", width)) if self.takes_width else self.options


@dataclass(frozen=True, slots=True)
class Backbone:
    """One way from a picture to maps.

    Attributes:
        build: see `Builder`.
        application: where its ImageNet weights come from; None where there are none.
        mean: pixel value that its input has as 0, see `vod.preprocess.Preprocessing`.
        scale: divisor of its input, in pixel values.
        widths: channel multipliers that it comes in; None is any.
        normalizations: `"none"` where it can be built without BatchNorm.
        any_size: a graph of it runs pictures of any size. Models of
            `keras.applications` pad by the size that they are built for.
    """

    build: Builder
    application: Application | None = None
    mean: float = 127.5
    scale: float = 127.5
    widths: tuple[float, ...] | None = None
    normalizations: tuple[Normalization, ...] = ("batch",)
    any_size: bool = False


def _mobilenet_v1(image: Any, width: float, normalization: Normalization) -> Maps:
    from detector.mobilenet import mobilenet_v1

    return mobilenet_v1(image, width=width, normalization=normalization)


def _efficientnet_lite0(image: Any, width: float, normalization: Normalization) -> Maps:
    from detector.backbones.efficientnet_lite import efficientnet_lite0

    return efficientnet_lite0(image, width, normalization)


def _of(application: Application, **values: Any) -> Backbone:
    """Give a `keras.applications` model of known preprocessing as a backbone."""

    def build(image: Any, width: float, normalization: Normalization) -> Maps:  # noqa: ARG001
        from detector.backbones.applications import application_maps

        return application_maps(image, application.name, application.options_at(width))

    return Backbone(build, application=application, **values)


_PLAIN_PIXELS: Final = (("include_preprocessing", False),)

BACKBONES: Final[Mapping[str, Backbone]] = {
    "mobilenet_v1": Backbone(
        _mobilenet_v1,
        application=Application("MobileNet", takes_width=True),
        normalizations=("batch", "none"),
        any_size=True,
    ),
    "mobilenet_v2": _of(Application("MobileNetV2", takes_width=True)),
    "mobilenet_v3_small": _of(Application("MobileNetV3Small", True, _PLAIN_PIXELS)),
    "mobilenet_v3_large": _of(Application("MobileNetV3Large", True, _PLAIN_PIXELS)),
    # `efficientnet_lite_builder.py` of tensorflow/tpu: MEAN_RGB and STDDEV_RGB.
    "efficientnet_lite0": Backbone(
        _efficientnet_lite0,
        mean=127.0,
        scale=128.0,
        normalizations=("batch", "none"),
        any_size=True,
    ),
    # Normalises pixels inside, each channel in its own way.
    "efficientnet_v2_b0": _of(
        Application("EfficientNetV2B0"), mean=0.0, scale=1.0, widths=(1.0,)
    ),
}
"""By name; beside these, `keras:NAME` is any model of `keras.applications`."""


def find_backbone(name: str) -> Backbone:
    """Give the backbone of a name; one of `keras:NAME` needs Keras.

    Raises:
        ConfigError: there is none.
    """
    if name.startswith(APPLICATIONS):
        from detector.backbones.applications import find_application

        return find_application(name.removeprefix(APPLICATIONS))
    if name not in BACKBONES:
        known = [*BACKBONES, f"{APPLICATIONS}NAME"]
        raise ConfigError(f"unknown backbone '{name}'.{nearest(name, known)}")
    return BACKBONES[name]


def check_backbone(name: str, width: float, normalization: Normalization) -> None:
    """Check a backbone's name, and that it comes in this width and normalization.

    Whether `keras.applications` has a model is only seen when it is built.

    Raises:
        ConfigError: it does not.
    """
    if not 0 < width <= 4:
        raise ConfigError(f"width must lie in (0, 4], received {width}.")
    is_application = name.startswith(APPLICATIONS)
    widths = (1.0,) if is_application else find_backbone(name).widths
    if widths is not None and width not in widths:
        known = ", ".join(f"{known:g}" for known in widths)
        raise ConfigError(f"width of {name} must be one of {known}, received {width}.")
    known_ways = ("batch",) if is_application else find_backbone(name).normalizations
    if normalization not in known_ways:
        raise ConfigError(
            f"normalization of {name} must be one of {', '.join(known_ways)}, received "
            f"{normalization}."
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
