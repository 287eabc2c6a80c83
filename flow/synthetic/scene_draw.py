"""Draw what happens in many scenes at once: numbers only, no pictures.

What `flow.synthetic.pair` draws one scene after another, as arrays for `ops_batches`.
The same seed and batch number give the same scenes, whatever then renders them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from flow.synthetic.atlas import LEVELS, Atlas
from flow.synthetic.config import SyntheticConfig
from flow.synthetic.motion import CHAIRS_HEIGHT, MotionConfig, about
from flow.synthetic.pair import CANVAS, LEAN, UPRIGHT
from flow.synthetic.things import LEAST_SIDE

Doubles = npt.NDArray[np.float64]
Scenes = dict[str, npt.NDArray[np.generic]]
"""B scenes of L layers, the first of which is the background:

    first, sides: `(B, L)`, `(B, L, 2)` int32, the texture's place in the atlas
    present: `(B, L)` 1 or 0
    look_current, look_key: `(B, L, 3, 3)` picture's to texture's index coordinates
    motion: `(B, L, 3, 3)` current to key, without ripple
    wave_vector, wave_size: `(B, L, WAVES, 2)` radians a pixel, pixels
    wave_phase: `(B, L, WAVES)` radians
    gain: `(B, L, 3)` factor on each colour
    gamma, contrast, brightness: `(B,)`, `(B, 3)`, `(B, 3)` the key picture's light
    noise, blur: `(B,)` deviation in grey values; weight of a small blur
    noise_seed: `(B, 2)` uint32
"""

WAVES: Final = 2
"""A ripple is a sum of so many sine waves."""

STEEPEST: Final = 0.4
"""Greatest slope of a ripple: below 1, it cannot fold."""


@dataclass(frozen=True, eq=False, slots=True)
class _Moved:
    """Motions of `(...)` layers."""

    matrix: Doubles
    ripple: Doubles


def draw_scenes(
    atlas: Atlas,
    config: SyntheticConfig,
    rng: np.random.Generator,
    *,
    size: tuple[int, int],
    count: int,
) -> Scenes:
    """Draw scenes.

    Args:
        atlas: textures.
        config: statistics; `exposure` and `motion_blur` do not count here.
        rng: source of chance.
        size: height and width of the pictures.
        count: of scenes.

    Returns:
        See `Scenes`; all float32 but where stated.
    """
    height, width = size
    most = config.object_count[1]
    scale = _log_uniform(rng, config.motion_scale, (count, 1))
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    centres = rng.uniform(-0.05, 1.05, (count, most, 2)) * (width, height)
    world = _motions(rng, config.background, middle[None, None], height, scale)
    own = _motions(rng, config.objects, centres, height, scale)
    chosen, look, shown = _things(atlas, config, rng, centres, size)
    back, back_look = _backgrounds(atlas, config, rng, size, count)
    motion = np.concatenate([world.matrix, world.matrix @ own.matrix], 1)
    ripple = np.concatenate([world.ripple, own.ripple], 1)
    extent = np.concatenate([np.full((count, 1), float(max(size))), shown], 1)
    lookup = np.concatenate([back_look, look], 1)
    places = np.concatenate([back, chosen], 1)
    numbers = rng.integers(config.object_count[0], most + 1, count)
    present = np.arange(most + 1)[None] <= numbers[:, None]
    scenes = {
        "first": atlas.first[places[..., 0], places[..., 1]].astype(np.int32),
        "sides": atlas.sides[places[..., 0], places[..., 1]].astype(np.int32),
        "present": present,
        "look_current": lookup,
        "look_key": lookup @ np.linalg.inv(motion),
        "motion": motion,
        **_waves(rng, ripple, extent),
        **_light(rng, config, most + 1, count),
    }
    return {name: _single(values) for name, values in scenes.items()}


def _single(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    whole = values.dtype in (np.int32, np.uint32)
    return values if whole else values.astype(np.float32)


def _log_uniform(
    rng: np.random.Generator, limits: tuple[float, float], shape: tuple[int, ...]
) -> Doubles:
    low, high = np.log(limits)
    return np.exp(rng.uniform(low, high, shape))


def _motions(
    rng: np.random.Generator,
    config: MotionConfig,
    centres: Doubles,
    height: int,
    scale: Doubles,
) -> _Moved:
    """Draw the motions of `(B, L)` layers about their centres."""
    shape = (scale.shape[0], centres.shape[1])
    unit = scale * height / CHAIRS_HEIGHT
    moving = rng.random(shape) >= config.still
    turn = np.deg2rad(config.turn.draw_many(rng, shape))
    tilt = config.tilt.draw_many(rng, (*shape, 2)) / height
    matrix = about(
        centres,
        config.shift.draw_many(rng, (*shape, 2)) * unit[..., None],
        turn,
        np.exp(config.zoom.draw_many(rng, shape)),
        config.shear.draw_many(rng, shape),
        tilt,
    )
    ripple = np.abs(config.ripple.draw_many(rng, shape)) * unit
    return _Moved(np.where(moving[..., None, None], matrix, np.eye(3)), ripple * moving)


def _things(
    atlas: Atlas,
    config: SyntheticConfig,
    rng: np.random.Generator,
    centres: Doubles,
    size: tuple[int, int],
) -> tuple[npt.NDArray[np.int64], Doubles, Doubles]:
    """Give texture and level `(B, L, 2)`, their lookups, and the sides shown."""
    shape = centres.shape[:2]
    number = rng.integers(atlas.photographs, len(atlas.first), shape)
    natural = atlas.sides[number, 0].astype(float)
    shares = _log_uniform(rng, config.object_size, (*shape, 2))
    wanted = np.maximum(shares * size, LEAST_SIDE)
    whole = wanted.max(-1, keepdims=True) / natural.max(-1, keepdims=True) * natural
    shown = np.where(atlas.elastic[number][..., None], wanted, whole)
    level = _levels(natural.prod(-1) / shown.prod(-1))
    sides = atlas.sides[number, level]
    upright = rng.random(shape) < UPRIGHT
    degrees = np.where(
        upright, rng.normal(0, LEAN, shape), rng.uniform(-180, 180, shape)
    )
    mirror = np.where(rng.random(shape) < 0.5, -1.0, 1.0)
    look = _look(np.deg2rad(degrees), sides / shown, mirror, centres, (sides - 1) / 2)
    return np.stack([number, level], -1), look, shown.max(-1)


def _backgrounds(
    atlas: Atlas,
    config: SyntheticConfig,
    rng: np.random.Generator,
    size: tuple[int, int],
    count: int,
) -> tuple[npt.NDArray[np.int64], Doubles]:
    """Give photograph and level `(B, 1, 2)`, and their lookups."""
    number = rng.integers(0, atlas.photographs, (count, 1))
    natural = atlas.sides[number, 0].astype(float)
    zoom = _log_uniform(rng, config.texture_zoom, (count, 1))
    squash = np.sqrt(_log_uniform(rng, (0.56, 1.5), (count, 1)))
    wanted = np.stack([zoom * squash, zoom / squash], -1) * size * CANVAS
    taken = np.minimum(np.maximum(wanted, 8), natural)
    level = _levels(taken.prod(-1) / (np.prod(size) * CANVAS**2))
    sides = atlas.sides[number, level]
    step = taken / (np.array(size) * CANVAS) * sides / natural
    spare = (natural - taken) / natural * sides
    corner = rng.uniform(0, 1, spare.shape) * spare
    target = corner + (taken / natural * sides - 1) / 2
    middle = np.array([(size[1] - 1) / 2, (size[0] - 1) / 2])
    mirror = np.where(rng.random((count, 1)) < 0.5, -1.0, 1.0)
    centre = np.broadcast_to(middle, (count, 1, 2))
    look = _look(np.zeros((count, 1)), step, mirror, centre, target)
    return np.stack([number, level], -1), look


def _levels(pixels: Doubles) -> npt.NDArray[np.int64]:
    """Give the level with about one pixel for each shown, `pixels` times fewer."""
    wanted = np.rint(np.log2(np.maximum(pixels, 1)) / 2)
    return np.clip(wanted, 0, LEVELS - 1).astype(np.int64)


def _look(
    angle: Doubles, step: Doubles, mirror: Doubles, centre: Doubles, target: Doubles
) -> Doubles:
    """Give picture's to texture's coordinates.

    Args:
        angle: `(B, L)` radians that the texture is turned in the picture.
        step: `(B, L, 2)` texture rows and columns for a pixel.
        mirror: `(B, L)` -1 to mirror the columns, else 1.
        centre: `(B, L, 2)` x, y in the picture.
        target: `(B, L, 2)` row, column of the texture that is there.
    """
    cos, sin = np.cos(angle), np.sin(angle)
    across, along = step[..., 1] * mirror, step[..., 0]
    look = np.zeros((*angle.shape, 3, 3))
    look[..., 0, 0], look[..., 0, 1] = cos * across, sin * across
    look[..., 1, 0], look[..., 1, 1] = -sin * along, cos * along
    look[..., 2, 2] = 1
    turned = (look[..., :2, :2] @ centre[..., None])[..., 0]
    look[..., :2, 2] = target[..., ::-1] - turned
    return look


def _waves(rng: np.random.Generator, ripple: Doubles, extent: Doubles) -> Scenes:
    """Draw sine waves of deviation `ripple`, as long as half to twice the layer."""
    shape = (*ripple.shape, WAVES)
    angle = rng.uniform(0, 2 * np.pi, shape)
    pace = 2 * np.pi / (extent[..., None] * _log_uniform(rng, (0.5, 2), shape))
    vector = np.stack([np.cos(angle), np.sin(angle)], -1) * pace[..., None]
    # A sine's deviation is its size over the root of two.
    strength = ripple[..., None, None] * np.sqrt(2 / WAVES)
    sizes = rng.normal(0, 1, (*shape, 2)) * strength
    slope = (np.linalg.norm(sizes, axis=-1) * pace).sum(-1)
    sizes *= np.minimum(1, STEEPEST / np.maximum(slope, 1e-9))[..., None, None]
    return {
        "wave_vector": vector,
        "wave_size": sizes,
        "wave_phase": rng.uniform(0, 2 * np.pi, shape),
    }


def _light(
    rng: np.random.Generator, config: SyntheticConfig, layers: int, count: int
) -> Scenes:
    """Draw what happens to the colours; the laws are those of `flow.synthetic`."""
    strength = config.photometric
    lit = float(strength > 0)
    contrast = rng.normal(0, 0.06 * strength, (count, 3)) * 0.4
    contrast += lit * rng.normal(0, 0.06, (count, 1))
    brightness = rng.normal(0, 6 * strength, (count, 1))
    gain = rng.uniform(0.5, 1, (count, layers, 3))
    gain[:, 0] = 1
    # A binomial blur of weight w has the variance w / 2.
    blur = np.minimum(2 * rng.uniform(0.4, 1.0, count) ** 2, 1)
    return {
        "gain": gain,
        "gamma": np.exp(rng.normal(0, 0.06 * strength, count)),
        "contrast": np.exp(contrast),
        "brightness": brightness + rng.normal(0, 2 * strength, (count, 3)),
        "noise": rng.uniform(0, config.noise, count),
        "noise_seed": rng.integers(0, 2**32, (count, 2), np.uint32),
        "blur": np.where(rng.random(count) < config.blur, blur, 0.0),
    }
