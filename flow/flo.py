"""Optical-flow files: Middlebury's .flo and KITTI's 16-bit PNG."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from vod.errors import FlowError, ShapeError
from vod.types import FloatArray

MaskArray = npt.NDArray[np.bool_]

FLO_MAGIC: Final = np.float32(202021.25)
"""First four bytes of a .flo file; reads as the text PIEH."""

UNKNOWN_ABOVE: Final = 1e9
"""A component beyond this means "no ground truth here" (Middlebury's flow code)."""

KITTI_ZERO: Final = 32768
KITTI_PER_PIXEL: Final = 64
"""KITTI's PNG stores component x 64 + 32768 in 16 bits."""

_HEADER_BYTES = 12


def read_flo(path: Path) -> FloatArray:
    """Read a .flo file as `(H, W, 2)` float32 pixels (u right, v down).

    Unknown flow is left as the file has it: ask `known`.

    Raises:
        FlowError: unreadable, not a .flo file, cut short or too long, or holding NaN.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FlowError(f"cannot read flow file {path}: {error.strerror}.") from error
    header = np.frombuffer(content[:_HEADER_BYTES], "<f4", count=len(content[:12]) // 4)
    if len(header) < 3 or header[0] != FLO_MAGIC:
        raise FlowError(
            f"{path} is not a .flo file: its first bytes are {content[:4]!r}, "
            "expected b'PIEH'."
        )
    width, height = (int(n) for n in np.frombuffer(content[4:_HEADER_BYTES], "<i4"))
    expected = _HEADER_BYTES + 8 * width * height
    if width < 1 or height < 1 or len(content) != expected:
        raise FlowError(
            f"{path} states {height} x {width} pixels, so {expected} bytes, but has "
            f"{len(content)}: it is damaged. Fetch it again."
        )
    flow = np.frombuffer(content[_HEADER_BYTES:], "<f4").reshape(height, width, 2)
    if np.isnan(flow).any():
        raise FlowError(f"{path} holds NaN; unknown flow is written as 1e10.")
    return flow.astype(np.float32)


def write_flo(path: Path, flow: FloatArray) -> None:
    """Write `(H, W, 2)` flow in pixels as a .flo file.

    Raises:
        ShapeError: not `(H, W, 2)`.
        FlowError: the flow holds NaN.
    """
    _check(path, flow)
    height, width = flow.shape[:2]
    header = (
        np.float32(FLO_MAGIC).tobytes() + np.array([width, height], "<i4").tobytes()
    )
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(header + np.ascontiguousarray(flow, "<f4").tobytes())
    temporary.replace(path)


def known(flow: FloatArray) -> MaskArray:
    """Give the `(H, W)` mask of pixels whose flow a .flo file states."""
    return np.asarray((np.abs(flow) <= UNKNOWN_ABOVE).all(axis=-1))


def read_kitti_png(path: Path) -> tuple[FloatArray, MaskArray]:
    """Read KITTI's 16-bit flow PNG.

    Returns:
        `(H, W, 2)` float32 pixels, 0 where unknown, and the `(H, W)` mask of the
        known ones.

    Raises:
        FlowError: unreadable, or not a 16-bit picture with three channels.
    """
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if stored is None:
        raise FlowError(f"{path} cannot be read as a PNG.")
    if stored.dtype != np.uint16 or stored.ndim != 3 or stored.shape[2] != 3:
        raise FlowError(
            f"{path} is not KITTI flow: expected (H, W, 3) uint16, received "
            f"{stored.shape} {stored.dtype}."
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
        flow: at most 511.98 pixels in every known component.
        valid: `(H, W)` mask of known pixels; None for all.

    Raises:
        ShapeError: not `(H, W, 2)`.
        FlowError: NaN, or a component that 16 bits cannot hold.
    """
    mask = np.ones(flow.shape[:2], bool) if valid is None else valid
    _check(path, flow[mask][None] if valid is not None else flow)
    levels = np.round(flow * KITTI_PER_PIXEL) + KITTI_ZERO
    if ((levels < 0) | (levels > 65535))[mask].any():
        raise FlowError(
            f"{path}: KITTI's PNG holds -512 to 511.98 pixels, received "
            f"{flow[mask].min():.1f} to {flow[mask].max():.1f}. Write a .flo file."
        )
    stored = np.zeros((*flow.shape[:2], 3), np.uint16)
    stored[..., 0] = mask
    stored[..., :0:-1][mask] = levels[mask].astype(np.uint16)
    if not cv2.imwrite(str(path), stored):
        raise FlowError(f"{path} cannot be written as a PNG.")


def _check(path: Path, flow: FloatArray) -> None:
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise ShapeError(f"{path}: flow must be (H, W, 2), received {flow.shape}.")
    if np.isnan(flow).any():
        raise FlowError(f"{path}: flow to write holds NaN.")
