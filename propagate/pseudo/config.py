"""How pictures are set in motion, in numbers."""

from dataclasses import dataclass, field

from vod.errors import ConfigError


@dataclass(frozen=True, slots=True)
class MotionConfig:
    """How something moves from one frame to the next: standard deviations.

    Attributes:
        shift: of the centre, in sides of the picture.
        zoom: of the logarithm of its size.
        stretch: of the logarithm of each side beside that: objects turn in depth.
        turn: in degrees.
        lean: of the horizontal shear.
    """

    shift: float = 0.012
    zoom: float = 0.010
    stretch: float = 0.006
    turn: float = 0.5
    lean: float = 0.004

    def __post_init__(self) -> None:
        if min(self.shift, self.zoom, self.stretch, self.turn, self.lean) < 0:
            raise ConfigError("standard deviations of motion must not be negative.")


@dataclass(frozen=True, slots=True)
class PseudoConfig:
    """What a snippet is.

    Attributes:
        frames: its length.
        objects: least and most objects cut out and set before the background.
        sides: least and most of an object's longer side, in sides of the picture.
        motion: own motion of what was cut out.
        camera: motion of the whole scene, as a share of that.
        pace: least and most factor of all motion in a snippet, log-uniform.
        period: least and most frames in which a path sways once.
        power: exponent of the superellipse that an object is cut out with; 2 is an
            ellipse, many a rectangle.
        rim: share of its half axes over which it fades out.
        visible: share of an object that must be seen, or its box does not count.
    """

    frames: int = 21
    objects: tuple[int, int] = (1, 3)
    sides: tuple[float, float] = (0.15, 0.6)
    motion: MotionConfig = field(default_factory=MotionConfig)
    camera: float = 0.5
    pace: tuple[float, float] = (0.2, 2.0)
    period: tuple[float, float] = (12.0, 40.0)
    power: float = 4.0
    rim: float = 0.1
    visible: float = 0.6

    def __post_init__(self) -> None:
        if self.frames < 2 or not 0 <= self.objects[0] <= self.objects[1]:
            raise ConfigError("a snippet needs 2 frames or more, objects from 0 up.")
        for name in ("sides", "pace", "period"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ConfigError(f"{name} must be positive, the least one first.")
        if self.camera < 0:
            raise ConfigError(f"camera must not be negative, received {self.camera}.")
        if self.power <= 1 or not 0 < self.rim < 1 or not 0 < self.visible <= 1:
            raise ConfigError("power must be more than 1, rim and visible in (0, 1].")
