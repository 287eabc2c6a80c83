"""Statistics of generated scenes."""

from dataclasses import dataclass, field

from flow.synthetic.motion import (
    MotionConfig,
    background_motion,
    mild_background_motion,
    mild_object_motion,
    object_motion,
)
from vod.errors import ConfigError


@dataclass(frozen=True, slots=True)
class SyntheticConfig:
    """Statistics of the scenes.

    Attributes:
        background: motion of everything.
        objects: motion of a shape, on top of the background's.
        object_count: least and most shapes.
        object_size: least and greatest height and width of a shape, in picture sides.
        cutouts: share of shapes that are cut out of a photograph along its own edges.
        chairs: share of shapes that are drawn chairs; the rest are drawn silhouettes,
            filled with a photograph.
        plain: share of drawn silhouettes with nearly one colour.
        motion_scale: least and greatest factor on every shift and ripple, drawn
            log-uniformly once a pair: pictures of one height differ in how much they
            show.
        texture_zoom: least and greatest photograph pixels a picture pixel.
        photometric: strength of the key picture's change of light; 0 for none.
        noise: greatest standard deviation of pixel noise, in grey values.
        blur: share of pairs that are slightly blurred.
        motion_blur: share of pairs with motion blur, of up to `exposure` of the motion.
        exposure: greatest share of the motion while the shutter is open.
    """

    background: MotionConfig = field(default_factory=background_motion)
    objects: MotionConfig = field(default_factory=object_motion)
    object_count: tuple[int, int] = (2, 9)
    object_size: tuple[float, float] = (0.12, 0.9)
    cutouts: float = 0.3
    chairs: float = 0.35
    plain: float = 0.3
    motion_scale: tuple[float, float] = (0.7, 1.4)
    texture_zoom: tuple[float, float] = (0.6, 2.5)
    photometric: float = 0.6
    noise: float = 4.0
    blur: float = 0.15
    motion_blur: float = 0.15
    exposure: float = 0.5

    def __post_init__(self) -> None:
        for name in ("object_count", "object_size", "motion_scale", "texture_zoom"):
            low, high = getattr(self, name)
            if not 0 <= low <= high or (high == 0 and name != "object_count"):
                raise ConfigError(
                    f"{name} must be two rising, positive numbers, received "
                    f"[{low}, {high}]."
                )
        for name in ("cutouts", "chairs", "plain", "blur", "motion_blur", "exposure"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"{name} must lie in [0, 1], received {getattr(self, name)}."
                )
        if self.cutouts + self.chairs > 1:
            raise ConfigError(
                "cutouts and chairs are shares of one whole, received "
                f"{self.cutouts} and {self.chairs}."
            )


@dataclass(frozen=True, slots=True)
class NearFramesConfig(SyntheticConfig):
    """Scenes as between near frames of a video: drawn shapes and affine motion.

    The fields are those of `SyntheticConfig`; the defaults differ.
    """

    background: MotionConfig = field(default_factory=mild_background_motion)
    objects: MotionConfig = field(default_factory=mild_object_motion)
    object_count: tuple[int, int] = (2, 6)
    cutouts: float = 0.0
    chairs: float = 0.0
    plain: float = 0.0
    motion_scale: tuple[float, float] = (0.4, 2.0)
    motion_blur: float = 0.0
