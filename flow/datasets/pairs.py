"""One pair of pictures with known flow: where it lies, how large it is, its arrays."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from flow.flo import MaskArray, flo_size, known, read_flo
from flow.kitti_png import png_size, read_kitti_png
from vod.errors import FlowError
from vod.types import ByteArray, FloatArray


class LoadedPair(NamedTuple):
    """The arrays of one pair, all of one height and width.

    Attributes:
        current: `(H, W, 3)` uint8 RGB.
        key: likewise; what is at p in `current` is at p + flow[p] here.
        flow: `(H, W, 2)` float32 pixels (u right, v down), 0 where unknown.
        valid: `(H, W)` bool, where the flow is known.
    """

    current: ByteArray
    key: ByteArray
    flow: FloatArray
    valid: MaskArray


class FlowPair(Protocol):
    """A pair wherever it lies: in files of its own or in records."""

    @property
    def name(self) -> str:
        """What messages and reports call it."""

    def size(self) -> tuple[int, int]:
        """Give height and width without decoding anything."""

    def load(self) -> LoadedPair:
        """Read the pair."""


@dataclass(frozen=True, slots=True)
class PairFiles:
    """A pair in files of its own.

    Attributes:
        name: unique within its data set.
        current: the picture that the flow starts from.
        key: the picture that the flow points into.
        flow: a .flo file, or KITTI's .png.
        left_out: masks of the same size, not 0 where the flow does not count (Sintel).
    """

    name: str
    current: Path
    key: Path
    flow: Path
    left_out: tuple[Path, ...] = ()

    def size(self) -> tuple[int, int]:
        """Give height and width as the flow file's first bytes state them.

        Raises:
            FlowError: the file cannot be read.
        """
        return (png_size if self.flow.suffix == ".png" else flo_size)(self.flow)

    def load(self) -> LoadedPair:
        """Read all files.

        Raises:
            FlowError: a file cannot be read, or the sizes differ.
        """
        current, key = read_rgb(self.current), read_rgb(self.key)
        flow, valid = read_flow(self.flow)
        if not current.shape[:2] == key.shape[:2] == valid.shape:
            raise FlowError(
                f"pair {self.name}: sizes differ: {self.current} "
                f"{current.shape[:2]}, {self.key} {key.shape[:2]}, "
                f"{self.flow} {valid.shape}."
            )
        for path in self.left_out:
            valid &= self._counts(path, valid.shape)
        flow[~valid] = 0
        return LoadedPair(current, key, flow, valid)

    def _counts(self, path: Path, shape: tuple[int, ...]) -> MaskArray:
        mask = read_rgb(path)
        if mask.shape[:2] != shape:
            raise FlowError(
                f"pair {self.name}: sizes differ: {self.flow} {shape}, "
                f"{path} {mask.shape[:2]}."
            )
        return np.asarray(mask.max(axis=-1) == 0)


def read_flow(path: Path) -> tuple[FloatArray, MaskArray]:
    """Read a .flo file or KITTI's .png.

    Returns:
        `(H, W, 2)` float32 pixels, 0 where unknown, and the `(H, W)` mask of the
        known ones.

    Raises:
        FlowError: the file cannot be read as what its ending says.
    """
    match path.suffix.lower():
        case ".png":
            return read_kitti_png(path)
        case ".flo":
            flow = read_flo(path)
            valid = known(flow)
            flow[~valid] = 0
            return flow, valid
    raise FlowError(f"{path} is no flow file: its name must end in .flo or .png.")


def read_rgb(path: Path) -> ByteArray:
    """Read a picture as `(H, W, 3)` uint8 RGB.

    Raises:
        FlowError: missing, or not a picture.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FlowError(f"cannot read picture {path}: {error.strerror}.") from error
    return decode_rgb(content, str(path))


def decode_rgb(content: bytes, source: str) -> ByteArray:
    """Decode a picture as `(H, W, 3)` uint8 RGB; `source` is its name, for messages.

    Raises:
        FlowError: not a picture.
    """
    data = np.frombuffer(content, np.uint8)
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if bgr is None:
        raise FlowError(f"{source} cannot be decoded as an image.")
    rgb: ByteArray = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return rgb
