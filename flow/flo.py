"""Middlebury's .flo files, in and out."""

import struct
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from vod.errors import FlowError, ShapeError
from vod.files import PendingFile
from vod.types import FloatArray

MaskArray = npt.NDArray[np.bool_]

FLO_MAGIC: Final = b"PIEH"
"""First four bytes of a .flo file; as a little-endian float32 they are 202021.25."""

UNKNOWN_ABOVE: Final = 1e9
"""A component beyond this means "no ground truth here" (Middlebury's flow code)."""

HEADER: Final = struct.Struct("<4sii")
"""Magic, width, height; then u and v of each pixel, row by row, float32."""


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
    height, width = _stated_size(path, content[: HEADER.size])
    expected = HEADER.size + 8 * width * height
    if len(content) != expected:
        raise FlowError(
            f"{path} states {height} x {width} pixels, so {expected} bytes, but has "
            f"{len(content)}: it is damaged. Fetch it again."
        )
    flow = np.frombuffer(content, "<f4", offset=HEADER.size).reshape(height, width, 2)
    if np.isnan(flow).any():
        raise FlowError(f"{path} holds NaN; unknown flow is written as 1e10.")
    return flow.astype(np.float32)


def flo_size(path: Path) -> tuple[int, int]:
    """Give height and width as a .flo file's first bytes state them.

    Raises:
        FlowError: unreadable, or not a .flo file.
    """
    try:
        with path.open("rb") as file:
            return _stated_size(path, file.read(HEADER.size))
    except OSError as error:
        raise FlowError(f"cannot read flow file {path}: {error.strerror}.") from error


def write_flo(path: Path, flow: FloatArray) -> None:
    """Write `(H, W, 2)` flow in pixels as a .flo file.

    Raises:
        ShapeError: not `(H, W, 2)`.
        FlowError: the flow holds NaN.
        VideoError: the file cannot be written.
    """
    check_grid(path, flow)
    if np.isnan(flow).any():
        raise FlowError(f"{path}: flow to write holds NaN.")
    height, width = flow.shape[:2]
    values = np.ascontiguousarray(flow, "<f4").tobytes()
    write_whole(path, HEADER.pack(FLO_MAGIC, width, height) + values)


def known(flow: FloatArray) -> MaskArray:
    """Give the `(H, W)` mask of pixels whose flow a .flo file states."""
    return np.asarray((np.abs(flow) <= UNKNOWN_ABOVE).all(axis=-1))


def check_grid(path: Path, flow: FloatArray) -> None:
    """Refuse what is not `(H, W, 2)` with at least one pixel.

    Raises:
        ShapeError: it is not.
    """
    if flow.ndim != 3 or flow.shape[2] != 2 or not flow.size:
        raise ShapeError(f"{path}: flow must be (H, W, 2), received {flow.shape}.")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, then rename it.

    Raises:
        VideoError: the file cannot be written.
    """
    pending = PendingFile(path)
    try:
        pending.temporary.write_bytes(content)
        pending.commit()
    finally:
        pending.discard()


def _stated_size(path: Path, head: bytes) -> tuple[int, int]:
    if len(head) < HEADER.size or head[:4] != FLO_MAGIC:
        raise FlowError(
            f"{path} is not a .flo file: its first bytes are {head[:4]!r}, "
            f"expected {FLO_MAGIC!r} and a size."
        )
    _, width, height = HEADER.unpack(head)
    if width < 1 or height < 1:
        raise FlowError(
            f"{path} states {height} x {width} pixels: it is damaged. Fetch it again."
        )
    return height, width
