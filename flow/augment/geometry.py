"""Where the pixels of an augmented pair come from, and what becomes of its flow."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from flow.augment.config import AugmentConfig, Law
from vod.types import ByteArray, FloatArray

Size = tuple[int, int]
"""Height and width."""

Mask = npt.NDArray[np.bool_]

Affine = npt.NDArray[np.float64]
"""`(3, 3)` map of homogeneous points (x, y, 1) in index coordinates."""

EDGE_PX: Final = 1.0
"""Flow that differs by more between neighbours is an edge: no value in between exists.

Twice the slope of Flying Chairs' fastest turning shapes (0.5 a pixel at 30 degrees).
"""

ALIAS_ZOOM: Final = 0.75
"""Pictures shown smaller than this are averaged first: bilinear lookup skips pixels."""


@dataclass(frozen=True, slots=True)
class Placement:
    """One picture's geometry, as flownet2-tf composes it.

    Attributes:
        shift: across and down, in sides of the crop.
        turn: radians.
        zoom: crop pixels a picture pixel, across and down; negative mirrors.
    """

    shift: tuple[float, float]
    turn: float
    zoom: tuple[float, float]

    def matrix(self, source: Size, out: Size) -> Affine:
        """Map points of the crop to points of the picture, in index coordinates."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        matrix = np.eye(3)
        matrix[:2, :2] = [[cos, -sin], [sin, cos]]
        matrix[:2, 2] = np.array(self.shift) * (out[1], out[0])
        matrix[:2] /= np.array(self.zoom)[:, None]
        matrix[:2, 2] += (source[1] - 1) / 2, (source[0] - 1) / 2
        matrix[:2, 2] -= matrix[:2, :2] @ [(out[1] - 1) / 2, (out[0] - 1) / 2]
        return matrix


def draw_maps(
    rng: np.random.Generator,
    config: AugmentConfig,
    strength: float,
    source: Size,
    out: Size,
) -> tuple[Affine, Affine]:
    """Draw the maps from points of the crop to points of the current and key picture.

    Both show nothing beyond the pictures' borders. What flownet2-tf gets wrong is
    right here: the key picture's shift and angle are added to the pair's (there they
    are multiplied with it), and squeezing acts on the two sides oppositely.

    Args:
        rng: its state decides everything.
        config: the spreads.
        strength: factor on every spread.
        source: size of the pictures.
        out: size of the crop.
    """
    flip = tuple(-1.0 if rng.random() < share else 1.0 for share in config.mirror)
    smallest = max((out[0] - 1) / (source[0] - 1), (out[1] - 1) / (source[1] - 1))
    scale = 1.0
    if config.view is not None:
        scale = max(out[0] / source[0], out[1] / source[1]) / config.view
    for _ in range(config.tries):
        both = _draw_both(rng, config, strength, (scale * flip[0], scale * flip[1]))
        if _inside(both.matrix(source, out), source, out):
            break
    else:
        middle = max(scale, smallest)
        both = Placement((0.0, 0.0), 0.0, (middle * flip[0], middle * flip[1]))
    current_map = both.matrix(source, out)
    for _ in range(config.tries):
        key_map = _draw_key(rng, config, strength, both).matrix(source, out)
        if _inside(key_map, source, out):
            return current_map, key_map
    return current_map, current_map


def _draw_both(
    rng: np.random.Generator,
    config: AugmentConfig,
    strength: float,
    scale: tuple[float, float],
) -> Placement:
    def draw(law: Law) -> float:
        return law.draw(rng, strength)

    shift = (draw(config.translate), draw(config.translate))
    turn, zoom, squeeze = draw(config.rotate), draw(config.zoom), draw(config.squeeze)
    across, down = np.exp(zoom + squeeze), np.exp(zoom - squeeze)
    return Placement(shift, turn, (scale[0] * across, scale[1] * down))


def _draw_key(
    rng: np.random.Generator, config: AugmentConfig, strength: float, both: Placement
) -> Placement:
    across = config.key_translate.draw(rng, strength)
    down = config.key_translate.draw(rng, strength)
    turn = config.key_rotate.draw(rng, strength)
    zoom = np.exp(config.key_zoom.draw(rng, strength))
    return Placement(
        (both.shift[0] + across, both.shift[1] + down),
        both.turn + turn,
        (both.zoom[0] * zoom, both.zoom[1] * zoom),
    )


def _inside(matrix: Affine, source: Size, out: Size) -> bool:
    right, bottom = out[1] - 1, out[0] - 1
    corners = [[0, right, 0, right], [0, 0, bottom, bottom], [1, 1, 1, 1]]
    x, y = matrix[:2] @ np.array(corners, np.float64)
    # A crop that fits exactly must not fail by rounding.
    slack = 1e-6
    return bool(
        min(x.min(), y.min()) >= -slack
        and x.max() <= source[1] - 1 + slack
        and y.max() <= source[0] - 1 + slack
    )


def take_picture(picture: ByteArray, matrix: Affine, out: Size) -> ByteArray:
    """Sample a picture at the crop's points; the border pixels go on for ever.

    Args:
        picture: `(H, W, 3)` uint8.
        matrix: from points of the crop to points of the picture.
        out: size of the crop.
    """
    zoom = 1 / np.linalg.norm(matrix[:2, :2], axis=0).max()
    if zoom < ALIAS_ZOOM:
        height, width = (max(2, round(side * zoom)) for side in picture.shape[:2])
        to_small = np.eye(3)
        for axis, (small, old) in enumerate(
            ((width, picture.shape[1]), (height, picture.shape[0]))
        ):
            # Half-pixel centres are aligned: (x + 1/2) small / old - 1/2.
            to_small[axis, axis] = small / old
            to_small[axis, 2] = (small / old - 1) / 2
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        matrix = to_small @ matrix
    taken: ByteArray = cv2.warpAffine(
        picture,
        matrix[:2],
        (out[1], out[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return taken


def take_flow(
    flow: FloatArray, valid: Mask, current_map: Affine, key_map: Affine, out: Size
) -> tuple[FloatArray, Mask]:
    """Give the flow between two crops of one pair.

    With A and B the maps of the crops' points to the pictures', content at p of the
    current crop is at A p of the current picture, at A p + flow(A p) of the key picture
    and so at B^-1 (A p + flow(A p)) of the key crop. Flow is looked up bilinearly where
    it is smooth (OpenCV rounds the place to 1/32 pixel), else at the nearest pixel, so
    that no value appears between those of two shapes.

    Args:
        flow: `(H, W, 2)` pixels, current to key.
        valid: `(H, W)`, where the flow is known.
        current_map: A.
        key_map: B.
        out: size of the crops.

    Returns:
        `(h, w, 2)` flow in pixels of the crop, 0 where unknown, and the `(h, w)` mask.
    """
    rows, columns = np.arange(out[0])[:, None], np.arange(out[1])[None, :]
    x = current_map[0, 0] * columns + current_map[0, 1] * rows + current_map[0, 2]
    y = current_map[1, 0] * columns + current_map[1, 1] * rows + current_map[1, 2]
    # A border pixel reaches half a pixel beyond its centre.
    seen = (np.abs(x - (flow.shape[1] - 1) / 2) <= flow.shape[1] / 2) & (
        np.abs(y - (flow.shape[0] - 1) / 2) <= flow.shape[0] / 2
    )
    places = (x.astype(np.float32), y.astype(np.float32))
    moved = _look_up(np.where(valid[..., None], flow, 0), _edges(flow, valid), places)
    back = np.linalg.inv(key_map)
    x, y = x + moved[..., 0], y + moved[..., 1]
    result = np.empty((*out, 2), np.float32)
    result[..., 0] = back[0, 0] * x + back[0, 1] * y + back[0, 2] - columns
    result[..., 1] = back[1, 0] * x + back[1, 1] * y + back[1, 2] - rows
    nearest = cv2.remap(
        valid.astype(np.uint8),
        *places,
        cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REPLICATE,
    )
    mask: Mask = (nearest > 0) & seen
    result[~mask] = 0
    return result, mask


def _edges(flow: FloatArray, valid: Mask) -> ByteArray:
    """Mark pixels near which flow jumps or is unknown, where no mean is true."""
    kernel = np.ones((3, 3), np.uint8)
    known = np.where(valid[..., None], flow, 0).astype(np.float32)
    spread = cv2.dilate(known, kernel) - cv2.erode(known, kernel)
    unknown = cv2.dilate((~valid).astype(np.uint8), kernel)
    # Two steps lie between the neighbours of a pixel.
    jumps = np.maximum(spread[..., 0], spread[..., 1]) > 2 * EDGE_PX
    return np.maximum(unknown, jumps.astype(np.uint8))


def _look_up(
    flow: FloatArray, edges: ByteArray, places: tuple[FloatArray, FloatArray]
) -> FloatArray:
    flow = flow.astype(np.float32)
    replicate = cv2.BORDER_REPLICATE
    smooth = cv2.remap(flow, *places, cv2.INTER_LINEAR, borderMode=replicate)
    exact = cv2.remap(flow, *places, cv2.INTER_NEAREST, borderMode=replicate)
    edge = cv2.remap(edges, *places, cv2.INTER_NEAREST, borderMode=replicate)
    looked: FloatArray = np.where(edge[..., None] > 0, exact, smooth)
    return looked
