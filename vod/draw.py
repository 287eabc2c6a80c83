"""Boxes, class names and scores on a frame."""

import colorsys
import functools
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from vod.canvas import Canvas, Colour, RgbCanvas, Tile
from vod.errors import ConfigError
from vod.types import ByteArray, Detections, FloatArray, IntArray

_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_FONT_CAP_HEIGHT: Final = 22.0  # of that font at scale 1, in pixels
_LEAST_CAP_HEIGHT: Final = 9.0  # below this it cannot be read
_CAPS_A_SIDE: Final = 60.0  # shorter side of the picture / height of a capital letter
_LINES_A_SIDE: Final = 240.0  # shorter side of the picture / line width
_LEAST_LINE: Final = 2  # a line of 1 pixel loses its colour in 4:2:0 video
_GOLDEN_TURN: Final = 0.618034  # neighbouring labels get hues far apart
_TONES: Final = ((0.85, 1.0), (0.55, 1.0), (0.9, 0.75))  # saturation, value
_KEY_COLOUR: Final = (255, 176, 0)
_BLACK: Final = (0, 0, 0)
_WHITE: Final = (255, 255, 255)
_HALF_LUMINANCE: Final = 0.179  # equal contrast (WCAG 2) to black and to white


@functools.cache
def class_colour(label: int) -> Colour:
    """Give the colour of a class: always the same one, unlike its neighbours'."""
    saturation, value = _TONES[label % len(_TONES)]
    hue = (0.02 + label * _GOLDEN_TURN) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


@functools.cache
def text_colour(background: Colour) -> Colour:
    """Give black or white, whichever reads better on `background`.

    Source: relative luminance and contrast ratio of WCAG 2.1.
    """
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in background)
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return _BLACK if luminance > _HALF_LUMINANCE else _WHITE


def draw_detections(
    rgb: ByteArray,
    detections: Detections,
    class_names: Sequence[str],
    *,
    key_frame: bool,
    track_ids: IntArray | None = None,
) -> ByteArray:
    """Draw boxes with their class and score on a copy of a frame; see `draw_on`.

    Args:
        rgb: `(H, W, 3)` uint8.
        detections: boxes in pixels of this frame.
        class_names: by label.
        key_frame: whether the whole detector ran on this frame.
        track_ids: `(N,)` numbers to be shown, -1 for none; None for none at all.

    Returns:
        `(H, W, 3)` uint8, a new array.

    Raises:
        ConfigError: if a label has no name.
    """
    canvas = RgbCanvas(rgb.copy())
    draw_on(canvas, detections, class_names, key_frame=key_frame, track_ids=track_ids)
    return canvas.picture


def draw_on(
    canvas: Canvas,
    detections: Detections,
    class_names: Sequence[str],
    *,
    key_frame: bool,
    track_ids: IntArray | None = None,
) -> None:
    """Draw boxes with their class and score on a frame, in place.

    Lines and letters grow with the picture; tags stay inside it; better scores are
    drawn over worse ones. A dot in the upper right corner marks a key frame.

    Args:
        canvas: the frame.
        detections: boxes in pixels of this frame.
        class_names: by label.
        key_frame: whether the whole detector ran on this frame.
        track_ids: `(N,)` numbers to be shown, -1 for none; None for none at all.

    Raises:
        ConfigError: if a label has no name.
    """
    if len(detections) and int(detections.labels.max()) >= len(class_names):
        raise ConfigError(
            f"label {int(detections.labels.max())} has no name: there are only "
            f"{len(class_names)} class names."
        )
    labels = detections.labels.tolist()
    tags = [
        f"{class_names[label]} {score:.2f}"
        for label, score in zip(labels, detections.scores, strict=True)
    ]
    if track_ids is not None:
        tags = [
            f"{tag} #{number}" if number >= 0 else tag
            for tag, number in zip(tags, track_ids.tolist(), strict=True)
        ]
    colours = [class_colour(label) for label in labels]
    _draw_all(canvas, detections.boxes, tags, colours)
    if key_frame:
        _draw_key_mark(canvas)


def draw_boxes(
    rgb: ByteArray,
    boxes: FloatArray,
    tags: Sequence[str],
    colours: Sequence[Colour],
) -> ByteArray:
    """Draw boxes with a tag each on a copy of a picture, the first over the others.

    Args:
        rgb: `(H, W, 3)` uint8.
        boxes: `(N, 4)` x1, y1, x2, y2 in pixels of the picture.
        tags: N texts; an empty one has no tag.
        colours: N.

    Returns:
        `(H, W, 3)` uint8, a new array.
    """
    canvas = RgbCanvas(rgb.copy())
    _draw_all(canvas, boxes, tags, colours)
    return canvas.picture


def _draw_all(
    canvas: Canvas,
    boxes: FloatArray,
    tags: Sequence[str],
    colours: Sequence[Colour],
) -> None:
    side = min(canvas.height, canvas.width)
    line = max(_LEAST_LINE, round(side / _LINES_A_SIDE))
    corners = [[round(value) for value in box] for box in boxes.tolist()]
    first_last = range(len(boxes) - 1, -1, -1)
    for i in first_last:
        _draw_box(canvas, corners[i], colours[i], line)
    for i in first_last:  # tags after all boxes: no line crosses a word
        if tags[i]:
            left, top = corners[i][:2]
            _paste(canvas, _tag(tags[i], colours[i], side), left=left, bottom=top)


def _draw_box(canvas: Canvas, box: list[int], colour: Colour, line: int) -> None:
    """Draw one box, its line inside it, on whole pixels.

    Upright lines on whole pixels have nothing to anti-alias: they stay crisp, and
    filling four slices takes a tenth of the time of a smoothed rectangle.
    """
    height, width = canvas.height, canvas.width
    x1, x2 = (min(max(x, 0), width) for x in box[::2])
    y1, y2 = (min(max(y, 0), height) for y in box[1::2])
    canvas.fill(y1, min(y1 + line, y2), x1, x2, colour)
    canvas.fill(max(y2 - line, y1), y2, x1, x2, colour)
    canvas.fill(y1, y2, x1, min(x1 + line, x2), colour)
    canvas.fill(y1, y2, max(x2 - line, x1), x2, colour)


@functools.lru_cache(maxsize=256)  # drawing letters costs more than all the rest
def _tag(text: str, colour: Colour, side: int) -> Tile:
    """Give text on a filled tag."""
    scale, thickness = _font_size(side)
    (text_width, cap_height), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    margin = max(2, round(cap_height * 0.35))
    shape = (cap_height + 2 * margin, text_width + 2 * margin, 3)
    tag: ByteArray = np.empty(shape, np.uint8)
    tag[:] = colour
    origin, ink = (margin, margin + cap_height), text_colour(colour)
    cv2.putText(tag, text, origin, _FONT, scale, ink, thickness, cv2.LINE_AA)
    return Tile(tag)


def _paste(canvas: Canvas, tag: Tile, *, left: int, bottom: int) -> None:
    """Copy a tag so that it ends above `bottom`; below it where there is no room."""
    height, width = tag.rgb.shape[:2]
    top = bottom - height if bottom >= height else bottom
    top = max(0, min(top, canvas.height - height))
    left = max(0, min(left, canvas.width - width))
    canvas.paste(tag, top=top, left=left)


@functools.cache
def _font_size(side: int) -> tuple[float, int]:
    """Give the font's scale and line width for a picture's shorter side."""
    cap_height = max(_LEAST_CAP_HEIGHT, side / _CAPS_A_SIDE)
    return cap_height / _FONT_CAP_HEIGHT, max(1, round(cap_height / 9))


def _draw_key_mark(canvas: Canvas) -> None:
    radius = max(3, round(min(canvas.height, canvas.width) / 100))
    centre = (canvas.width - 1 - 2 * radius, 2 * radius)
    canvas.dot(centre, radius + max(1, radius // 4), _BLACK)
    canvas.dot(centre, radius, _KEY_COLOUR)
