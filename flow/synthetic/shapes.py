"""Silhouettes for the layers of synthetic pairs: blobs, polygons, strokes, chairs."""

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from vod.types import ByteArray

Points = npt.NDArray[np.float64]

KINDS: Final = ("blob", "blob", "polygon", "ellipse", "holed", "strokes")
"""Drawn with equal odds; a repeated one is likelier."""

SIXTEENTHS: Final = 4
"""OpenCV takes corners in 2^-4 pixels with this `shift`."""


def silhouette(rng: np.random.Generator, height: int, width: int) -> ByteArray:
    """Draw a random shape: solid, with a hole, or of thin strokes.

    Returns:
        `(height, width)` uint8 opacity with a soft edge about a pixel wide; the
        outermost cells are 0.
    """
    kind = KINDS[int(rng.integers(len(KINDS)))]
    mask = np.zeros((height, width), np.uint8)
    if kind == "strokes":
        _draw_strokes(rng, mask)
    else:
        outline = _outline(rng, "blob" if kind == "holed" else kind)
        _fill(mask, outline, 255)
        if kind == "holed":
            _fill(mask, outline * rng.uniform(0.3, 0.75) + rng.normal(0, 0.06, 2), 0)
    # Anti-aliasing may reach beyond the corners.
    mask[[0, -1]] = 0
    mask[:, [0, -1]] = 0
    return mask


def _outline(rng: np.random.Generator, kind: str) -> Points:
    """Give corners in [-1, 1]."""
    if kind == "polygon":
        count = int(rng.integers(3, 9))
        angles = np.sort(rng.uniform(0, 2 * np.pi, count))
        radii = rng.uniform(0.45, 1.0, count)
    else:
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        radii = np.ones(48)
    if kind == "blob":
        waves = np.arange(1, 6)[:, None]
        sizes = rng.normal(0, 0.35, (5, 1)) / waves
        radii = 1 + (
            sizes * np.cos(waves * angles + rng.uniform(0, 2 * np.pi, (5, 1)))
        ).sum(0)
        radii = np.maximum(radii, 0.15)
        radii /= radii.max()
    return np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None]


def _fill(mask: ByteArray, outline: Points, value: int) -> None:
    height, width = mask.shape
    half = np.array([width / 2 - 2, height / 2 - 2])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    corners = np.round((outline * half + centre) * 2**SIXTEENTHS).astype(np.int32)
    cv2.fillPoly(mask, [corners], value, lineType=cv2.LINE_AA, shift=SIXTEENTHS)


def _draw_strokes(rng: np.random.Generator, mask: ByteArray) -> None:
    """Draw a few bent bars: branches, cables, limbs."""
    height, width = mask.shape
    thick = max(1, round(min(height, width) * rng.uniform(0.03, 0.12)))
    low = thick + 1
    high = np.maximum(np.array([width, height]) - 1 - low, low + 1)
    for _ in range(int(rng.integers(1, 5))):
        ends = rng.uniform(low, high, (3, 2))
        t = np.linspace(0, 1, 10)[:, None]
        curve = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * ends[1] + t**2 * ends[2]
        points = np.round(curve * 2**SIXTEENTHS).astype(np.int32)
        cv2.polylines(mask, [points], False, 255, thick, cv2.LINE_AA, SIXTEENTHS)


def chair(rng: np.random.Generator, side: int) -> ByteArray:
    """Draw a random chair, seen from a random side: plain colours, thin parts.

    Args:
        rng: source of chance.
        side: greatest of its height and width.

    Returns:
        `(H, W, 4)` uint8, colours already multiplied by opacity; the outermost cells
        are 0.
    """
    parts, solid = _chair_parts(rng)
    corners = np.concatenate(parts) @ _view(rng)
    flat, depth = corners[:, :2], corners[:, 2]
    thick = max(1.0, side * rng.uniform(0.012, 0.045))
    margin = thick / 2 + 2.5
    low = flat.min(0)
    scale = (side - 2 * margin) / max((flat.max(0) - low).max(), 1e-6)
    flat = (flat - low) * max(scale, 1e-3) + margin
    columns, rows = np.ceil(flat.max(0) + margin).astype(int)
    picture = np.zeros((rows, columns, 4), np.uint8)
    colours = _paint(rng)
    places = np.split(np.arange(len(flat)), np.cumsum([len(p) for p in parts])[:-1])
    for part in sorted(range(len(parts)), key=lambda i: -depth[places[i]].mean()):
        shade = colours[int(solid[part])] * rng.uniform(0.75, 1.2)
        value = (*np.minimum(shade, 255).tolist(), 255)
        points = np.round(flat[places[part]] * 2**SIXTEENTHS).astype(np.int32)
        if solid[part]:
            cv2.fillPoly(picture, [points], value, cv2.LINE_AA, SIXTEENTHS)
        width = max(1, round(thick * (1.0 if solid[part] else rng.uniform(0.7, 1.3))))
        cv2.polylines(
            picture, [points], solid[part], value, width, cv2.LINE_AA, SIXTEENTHS
        )
    picture[[0, -1]] = 0
    picture[:, [0, -1]] = 0
    # Light falls unevenly: without it, the middle of a plate would show no motion.
    light = np.ones((3, 3, 4), np.float32)
    light[..., :3] = rng.uniform(0.55, 1.0, (3, 3, 1))
    light = cv2.resize(light, (columns, rows), interpolation=cv2.INTER_LINEAR)
    lit: ByteArray = cv2.multiply(picture, light, dtype=cv2.CV_8U)
    return lit


def _paint(rng: np.random.Generator) -> Points:
    """Give the colours of bars and of plates: often the same, seldom vivid."""
    vivid = rng.random((2, 1)) ** 2
    colours = rng.uniform(0, 255, (2, 3)) * vivid + rng.uniform(0, 255, (2, 1)) * (
        1 - vivid
    )
    colours *= rng.uniform(0.1, 1, (2, 1))
    return colours[[0, 0]] if rng.random() < 0.5 else colours


def _view(rng: np.random.Generator) -> Points:
    """Give `(3, 3)`: (right, up, towards the back) to (column, row, depth)."""
    yaw, pitch = rng.uniform(0, 2 * math.pi), rng.uniform(0.05, 0.7)
    cos, sin = math.cos(yaw), math.sin(yaw)
    turn = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    cos, sin = math.cos(pitch), math.sin(pitch)
    # From above: what is farther is higher in the picture, what is higher is nearer.
    return turn @ np.array([[1, 0, 0], [0, -cos, -sin], [0, -sin, cos]])


def _chair_parts(rng: np.random.Generator) -> tuple[list[Points], list[bool]]:
    """Give each part's corners in space, and whether it is a plate or a bar."""
    wide, deep = rng.uniform(0.3, 0.6), rng.uniform(0.3, 0.6)
    seat, top = rng.uniform(0.35, 0.7), rng.uniform(0.8, 1.4)
    lean, splay = rng.uniform(0, 0.25), rng.uniform(-0.02, 0.15)
    plates = [_box_side(wide, deep, seat)]
    bars = [
        np.array([[x * wide, seat, z * deep], [x * (wide + splay), 0, z * deep]])
        for x in (-1, 1)
        for z in (-1, 1)
    ]
    low = np.array([0, seat, deep])
    high = np.array([0, seat + top, deep + lean])
    across = np.array([wide, 0, 0])
    style = int(rng.integers(4))
    if style == 0:
        start = low + (high - low) * rng.uniform(0, 0.5)
        plates.append(
            np.stack([start - across, start + across, high + across, high - across])
        )
    if style in (1, 2):
        bars += [np.stack([low + s * across, high + s * across]) for s in (-1, 1)]
        count = int(rng.integers(2, 6))
        for t in np.linspace(
            0.3 if style == 1 else -0.8, 1 if style == 1 else 0.8, count
        ):
            rung = low + (high - low) * t
            bars.append(
                np.stack([rung - across, rung + across])
                if style == 1
                else np.stack([low + t * across, high + t * across])
            )
    if style == 2:
        bars.append(np.stack([high - across, high + across]))
    if rng.random() < 0.3:
        rise = np.array([0, rng.uniform(0.25, 0.5), 0])
        for side in (-1, 1):
            front = np.array([side * wide, seat, -deep])
            back = np.array([side * wide, seat, deep])
            bars.append(np.stack([front, front + rise, back + rise]))
    return plates + bars, [True] * len(plates) + [False] * len(bars)


def _box_side(wide: float, deep: float, height: float) -> Points:
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return np.stack(
        [signs[:, 0] * wide, np.full(4, height), signs[:, 1] * deep], axis=1
    )
