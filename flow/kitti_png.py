"""KITTI's flow files, in and out: a 16-bit PNG of u, v and "is known"."""

import struct
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from flow.flo import MaskArray, check_grid, write_whole
from vod.errors import FlowError, ShapeError
from vod.types import FloatArray

KITTI_ZERO: Final = 32768
KITTI_PER_PIXEL: Final = 64
"""The red and green levels are u and v x 64 + 32768; blue is not 0 where known."""

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

_PNG_HEAD = struct.Struct(">8sI4sIIBB")
"""Signature, length and type of the first chunk, width, height, bits, kind of colour.

PNG specification (ISO/IEC 15948), 5.2 and 11.2.2: the first chunk is IHDR.
"""

# Half the bytes of OpenCV's default, at twice its time, on Flying Chairs.
_COMPRESSION = (
    cv2.IMWRITE_PNG_COMPRESSION,
    6,
    cv2.IMWRITE_PNG_STRATEGY,
    cv2.IMWRITE_PNG_STRATEGY_DEFAULT,
)


def read_kitti_png(path: Path) -> tuple[FloatArray, MaskArray]:
    """Read KITTI's 16-bit flow PNG.

    Returns:
        `(H, W, 2)` float32 pixels, 0 where unknown, and the `(H, W)` mask of the
        known ones.

    Raises:
        FlowError: unreadable, or not a 16-bit picture with three channels.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FlowError(f"cannot read flow file {path}: {error.strerror}.") from error
    return decode_kitti_png(content, str(path))


def decode_kitti_png(content: bytes, source: str) -> tuple[FloatArray, MaskArray]:
    """Decode the bytes of KITTI's PNG; see `read_kitti_png`.

    Args:
        content: the file.
        source: its name, for messages.

    Raises:
        FlowError: damaged, or not a 16-bit picture with three channels.
    """
    if png_head(content) is None:
        raise FlowError(f"{source} cannot be read as a PNG: it is none, or cut short.")
    stored = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None:
        raise FlowError(f"{source} cannot be read as a PNG: it is damaged.")
    if stored.dtype != np.uint16 or stored.ndim != 3 or stored.shape[2] != 3:
        raise FlowError(
            f"{source} is not KITTI flow: expected (H, W, 3) of 16 bits, received "
            f"{stored.shape} of {8 * stored.itemsize}. Is it a picture of the flow?"
        )
    # The file's channels are u, v, valid; OpenCV gives them last to first.
    valid = stored[..., 0] > 0
    flow = (stored[..., :0:-1].astype(np.float32) - KITTI_ZERO) / KITTI_PER_PIXEL
    flow[~valid] = 0
    return flow, valid


def write_kitti_png(
    path: Path, flow: FloatArray, valid: MaskArray | None = None
) -> None:
    """Write `(H, W, 2)` flow in pixels as KITTI's PNG, rounded to 1/64 pixel.

    Args:
        path: the .png file.
        flow: -512 to 511.98 pixels in every known component.
        valid: `(H, W)` mask of known pixels; None for all.

    Raises:
        ShapeError: not `(H, W, 2)`, or a mask of another size.
        FlowError: NaN, or a component that 16 bits cannot hold.
        VideoError: the file cannot be written.
    """
    write_whole(path, encode_kitti_png(path, flow, valid))


def encode_kitti_png(
    path: Path, flow: FloatArray, valid: MaskArray | None = None
) -> bytes:
    """Encode what `write_kitti_png` would write; `path` is for messages.

    Raises:
        ShapeError: not `(H, W, 2)`, or a mask of another size.
        FlowError: NaN, or a component that 16 bits cannot hold.
    """
    check_grid(path, flow)
    mask = np.ones(flow.shape[:2], bool) if valid is None else valid
    if mask.shape != flow.shape[:2]:
        raise ShapeError(
            f"{path}: the mask must be {flow.shape[:2]}, received {mask.shape}."
        )
    levels = np.round(flow[mask].astype(np.float64) * KITTI_PER_PIXEL) + KITTI_ZERO
    if np.isnan(levels).any():
        raise FlowError(f"{path}: flow to write holds NaN.")
    if ((levels < 0) | (levels > 65535)).any():
        raise FlowError(
            f"{path}: KITTI's PNG holds -512 to 511.98 pixels, received "
            f"{flow[mask].min():.1f} to {flow[mask].max():.1f}. Write a .flo file."
        )
    stored = np.zeros((*mask.shape, 3), np.uint16)
    stored[..., 0] = mask
    stored[..., :0:-1][mask] = levels.astype(np.uint16)
    done, encoded = cv2.imencode(".png", stored, _COMPRESSION)
    if not done:
        raise FlowError(f"{path}: flow of {mask.shape} cannot be encoded as a PNG.")
    return bytes(encoded)


def png_size(path: Path) -> tuple[int, int]:
    """Give height and width as the first bytes of a PNG state them.

    Raises:
        FlowError: unreadable, or not a PNG.
    """
    try:
        with path.open("rb") as file:
            head = png_head(file.read(_PNG_HEAD.size))
    except OSError as error:
        raise FlowError(f"cannot read flow file {path}: {error.strerror}.") from error
    if head is None:
        raise FlowError(f"{path} cannot be read as a PNG: it is none, or cut short.")
    return head[:2]


def png_head(content: bytes) -> tuple[int, int, int, int] | None:
    """Give height, width, bits and kind of colour of a PNG; None if it is none."""
    if len(content) < _PNG_HEAD.size or not content.startswith(PNG_SIGNATURE):
        return None
    *_, width, height, bits, kind = _PNG_HEAD.unpack(content[: _PNG_HEAD.size])
    return height, width, bits, kind
