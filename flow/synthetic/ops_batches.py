"""Render generated pairs on the accelerator, with `keras.ops` on any backend.

The family of scenes is that of `flow.synthetic.pair`, and so is the reason why the flow
is exact (see `flow.synthetic.layers`). What differs: things are drawn once and then
shown in ever new colours, sizes and places; a ripple is a sum of sines; there is no
motion blur.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import keras
import numpy as np
from keras import ops

from flow.lightflow import OUTPUT_STRIDE
from flow.synthetic.atlas import Atlas
from flow.synthetic.config import SyntheticConfig
from flow.synthetic.scene_draw import WAVES, draw_scenes
from flow.train.data import Batch
from vod.fitting.batches import NumberedBatches
from vod.types import FloatArray

Tensor = Any

SEEN: Final = 0.5
"""Opacity above which a pixel is the layer's."""


def render(
    pixels: Tensor, scenes: Mapping[str, Tensor], *, height: int, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Render scenes; pure, so that any backend can compile it.

    Args:
        pixels: `(P, 4)` uint8; see `Atlas`.
        scenes: see `flow.synthetic.scene_draw.Scenes`.
        height: of the pictures.
        width: of the pictures.

    Returns:
        current and key `(B, H, W, 3)` float32 in [0, 255], flow `(B, H, W, 2)` in
        pixels, current to key, of the layer seen in the current picture.
    """
    y, x = ops.meshgrid(
        ops.arange(height, dtype="float32"),
        ops.arange(width, dtype="float32"),
        indexing="ij",
    )
    grid = ops.stack([x, y], axis=-1)[None]
    current = key = flow = 0.0
    for layer in range(scenes["first"].shape[1]):
        bent = grid + _ripple(grid, scenes, layer)
        points = _mapped(scenes["look_current"][:, layer], bent)
        now = _sample(pixels, points, scenes, layer)
        points = _mapped(scenes["look_key"][:, layer], grid)
        then = _sample(pixels, points, scenes, layer)
        own = _mapped(scenes["motion"][:, layer], bent) - grid
        current = current * (1 - now[..., 3:]) + now[..., :3]
        key = key * (1 - then[..., 3:]) + then[..., :3]
        flow = own if layer == 0 else ops.where(now[..., 3:] > SEEN, own, flow)
    current, key = _finished(current, key, scenes)
    return current, key, flow


def _ripple(grid: Tensor, scenes: Mapping[str, Tensor], layer: int) -> Tensor:
    total: Tensor = 0.0
    for wave in range(WAVES):
        vector = scenes["wave_vector"][:, layer, wave]
        size = scenes["wave_size"][:, layer, wave]
        angle = grid[..., 0] * vector[:, None, None, 0]
        angle = angle + grid[..., 1] * vector[:, None, None, 1]
        angle = angle + scenes["wave_phase"][:, layer, wave][:, None, None]
        total = total + ops.sin(angle)[..., None] * size[:, None, None]
    return total


def _mapped(matrix: Tensor, points: Tensor) -> Tensor:
    """Map `(B, H, W, 2)` points by `(B, 3, 3)` homographies."""
    x, y = points[..., 0], points[..., 1]
    m = matrix[:, :, :, None, None]
    depth = m[:, 2, 0] * x + m[:, 2, 1] * y + m[:, 2, 2]
    across = m[:, 0, 0] * x + m[:, 0, 1] * y + m[:, 0, 2]
    down = m[:, 1, 0] * x + m[:, 1, 1] * y + m[:, 1, 2]
    return ops.stack([across / depth, down / depth], axis=-1)


def _sample(
    pixels: Tensor, points: Tensor, scenes: Mapping[str, Tensor], layer: int
) -> Tensor:
    """Look a layer up, bilinearly: colours in [0, 255], opacity in [0, 1]."""
    endless = layer == 0  # only the background has no border
    rows = scenes["sides"][:, layer, 0][:, None, None]
    columns = scenes["sides"][:, layer, 1][:, None, None]
    left, across = _split(points[..., 0], columns, endless)
    top, down = _split(points[..., 1], rows, endless)
    place = scenes["first"][:, layer][:, None, None] + top * columns + left
    across, down = across[..., None], down[..., None]

    def pixel(number: Tensor) -> Tensor:
        return ops.cast(ops.take(pixels, number, axis=0), "float32")

    upper = pixel(place) * (1 - across) + pixel(place + 1) * across
    place = place + columns
    lower = pixel(place) * (1 - across) + pixel(place + 1) * across
    found = upper * (1 - down) + lower * down
    there = scenes["present"][:, layer][:, None, None, None]
    gain = scenes["gain"][:, layer][:, None, None]
    colour = found[..., :3] * gain * there
    return ops.concatenate([colour, found[..., 3:] * (there / 255)], axis=-1)


def _split(values: Tensor, count: Tensor, endless: bool) -> tuple[Tensor, Tensor]:
    """Give the cell before each coordinate, and how far it is beyond that cell."""
    last = ops.cast(count - 1, "float32")
    if endless:  # mirrored at the middle of the outermost cells
        turned = values - 2 * last * ops.floor(values / (2 * last))
        values = ops.minimum(turned, 2 * last - turned)
    # The outermost cells of things are clear, so that beyond them all is clear.
    values = ops.clip(values, 0.0, last)
    cell = ops.minimum(ops.floor(values), last - 1)
    return ops.cast(cell, "int32"), values - cell


def _finished(
    current: Tensor, key: Tensor, scenes: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """Add blur, light and noise, in this order."""
    blur = scenes["blur"][:, None, None, None]
    current, key = _blurred(current, blur), _blurred(key, blur)
    gamma = scenes["gamma"][:, None, None, None]
    contrast = scenes["contrast"][:, None, None]
    brightness = scenes["brightness"][:, None, None]
    levels = ops.power(ops.clip(key, 1e-3, 255.0) / 255, gamma) * 255
    key = ops.clip((levels - 127.5) * contrast + 127.5 + brightness, 0.0, 255.0)
    deviation = scenes["noise"][:, None, None, None]
    finished = []
    for index, picture in enumerate((current, key)):
        grain = _grain(scenes["noise_seed"][:, index], picture.shape[1:3])
        finished.append(ops.clip(picture + grain * deviation, 0.0, 255.0))
    return finished[0], finished[1]


def _blurred(picture: Tensor, weight: Tensor) -> Tensor:
    """Mix in the picture smoothed by 1, 2, 1 in both directions."""
    soft = picture
    for axis in (1, 2):
        margin = [(0, 0)] * 4
        margin[axis] = (1, 1)
        padded = ops.pad(soft, margin, mode="symmetric")
        length = soft.shape[axis]
        parts = [
            padded[:, start : start + length]
            if axis == 1
            else padded[:, :, start : start + length]
            for start in range(3)
        ]
        soft = (parts[0] + 2 * parts[1] + parts[2]) / 4
    return picture + weight * (soft - picture)


def _grain(seed: Tensor, size: tuple[int, int]) -> Tensor:
    """Give grey noise `(B, H, W, 1)` of deviation 1, nearly normal, by hashing.

    Four bytes of a 32-bit hash of pixel and seed are summed: PCG's steps, after
    M. Jarzynski and M. Olano, Hash Functions for GPU Rendering, JCGT 2020. Backends
    draw the same, and no state is kept.
    """
    # TensorFlow counts in signed numbers only.
    number = ops.cast(ops.arange(size[0] * size[1], dtype="int32"), "uint32")
    state = number[None] + seed[:, None] * _word(0x9E3779B9)
    state = state * _word(747796405) + _word(2891336453)
    shift = ops.right_shift(state, _word(28)) + _word(4)
    word = ops.bitwise_xor(ops.right_shift(state, shift), state) * _word(277803737)
    word = ops.bitwise_xor(ops.right_shift(word, _word(22)), word)
    total: Tensor = 0.0
    for byte in range(4):
        part = ops.bitwise_and(ops.right_shift(word, _word(8 * byte)), _word(255))
        total = total + ops.cast(part, "float32")
    # A byte's mean is 127.5, its variance (256^2 - 1) / 12.
    normal = (total - 4 * 127.5) / float(np.sqrt(4 * (256**2 - 1) / 12))
    return ops.reshape(normal, (-1, *size, 1))


def _word(value: int) -> Tensor:
    return ops.convert_to_tensor(np.uint32(value), dtype="uint32")


def area_weights(cells: int, pixels: int) -> FloatArray:
    """Give `(cells, pixels)`: the mean over the pixels that each cell covers."""
    edges = np.arange(cells + 1) * (pixels / cells)
    starts = np.arange(pixels)
    covered = np.minimum(edges[1:, None], starts + 1) - np.maximum(
        edges[:-1, None], starts
    )
    weights: FloatArray = (np.maximum(covered, 0) * cells / pixels).astype(np.float32)
    return weights


class Renderer(keras.Model):
    """Turns scenes into a training batch, in one compiled call.

    Gives current and key picture in [-1, 1] and flow on the network's output grid, as
    `flow.train.data.SyntheticBatches` does.
    """

    def __init__(self, pixels: keras.Variable, height: int, width: int) -> None:
        super().__init__()
        self.pixels = pixels
        self.height, self.width = height, width
        rows, columns = (-(-side // OUTPUT_STRIDE) for side in (height, width))
        self._rows = area_weights(rows, height)
        self._columns = area_weights(columns, width)
        self.built = True

    def call(self, scenes: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Render; see `flow.synthetic.scene_draw.Scenes`."""
        current, key, flow = render(
            self.pixels.value, scenes, height=self.height, width=self.width
        )
        flow = ops.einsum("hy,byxc->bhxc", self._rows, flow)
        flow = ops.einsum("wx,bhxc->bhwc", self._columns, flow)
        return (current - 127.5) / 127.5, (key - 127.5) / 127.5, flow


class OpsBatches(NumberedBatches):
    """Endless variety rendered by the accelerator; used as `SyntheticBatches`."""

    def __init__(
        self,
        atlas: Atlas,
        config: SyntheticConfig,
        shapes: Sequence[tuple[int, int, int]],
        *,
        steps: int,
        seed: int,
        workers: int = 1,
        compiler: bool | None = None,
    ) -> None:
        """Put the textures on the accelerator; render nothing yet.

        Args:
            atlas: textures.
            config: statistics of the scenes.
            shapes: height, width and pairs of a batch, in turn.
            steps: batches in an epoch.
            seed: of all chance.
            workers: threads that render ahead of the training.
            compiler: use XLA; None leaves it to the backend (always, with JAX).
        """
        super().__init__(steps=steps, workers=workers, max_queue_size=6)
        self.atlas, self.config, self.shapes = atlas, config, shapes
        self.seed = seed
        pixels = keras.Variable(atlas.pixels, dtype="uint8", trainable=False)
        self._renderers: dict[tuple[int, int], Renderer] = {}
        for height, width, _ in shapes:
            renderer = Renderer(pixels, height, width)
            renderer.compile(jit_compile="auto" if compiler is None else compiler)
            self._renderers[height, width] = renderer

    def batch(self, number: int) -> Batch:
        """Give the batch with this number since the start of training."""
        height, width, count = self.shapes[number % len(self.shapes)]
        rng = np.random.default_rng((self.seed, number))
        scenes = draw_scenes(
            self.atlas, self.config, rng, size=(height, width), count=count
        )
        current, key, flow = self._renderers[height, width].predict_on_batch(scenes)
        return (current, key), flow
