"""The two values that every room passes on: a frame and what was found in it."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from vod.errors import ShapeError, VideoError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
ByteArray = npt.NDArray[np.uint8]


class Picture(Protocol):
    """A picture that becomes RGB only when somebody looks."""

    @property
    def height(self) -> int:
        """Rows."""
        ...

    @property
    def width(self) -> int:
        """Columns."""
        ...

    @property
    def rgb(self) -> ByteArray:
        """`(H, W, 3)` uint8."""
        ...

    def resized(self, height: int, width: int) -> ByteArray:
        """Give it stretched bilinearly to `(height, width, 3)` uint8."""
        ...

    def grey(self, height: int, width: int) -> ByteArray:
        """Give its brightness alone, `(height, width)` uint8, likewise."""
        ...


@dataclass(frozen=True, slots=True)
class SkippedPicture:
    """Stands for the picture of a frame that was left out of decoding.

    Attributes:
        height: rows that it would have.
        width: columns.
        name: for messages, such as `clip.mp4: frame 7`.
    """

    height: int
    width: int
    name: str

    @property
    def rgb(self) -> ByteArray:
        """There is none.

        Raises:
            VideoError: always.
        """
        raise self._missing()

    def resized(self, height: int, width: int) -> ByteArray:  # noqa: ARG002 (protocol)
        """There is none; see `rgb`."""
        raise self._missing()

    def grey(self, height: int, width: int) -> ByteArray:  # noqa: ARG002 (protocol)
        """There is none; see `rgb`."""
        raise self._missing()

    def _missing(self) -> VideoError:
        return VideoError(
            f"{self.name} has no picture, as sparse decoding left it out; choose "
            "--decoding exact."
        )


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """One frame, as a viewer would see it (rotation applied).

    Attributes:
        index: 0-based position among the frames that the source yields.
        time_s: presentation time in seconds (pts x time base, never index / fps).
        picture: `(H, W, 3)` uint8, or what becomes that when `rgb` is asked for.
    """

    index: int
    time_s: float
    picture: ByteArray | Picture

    def __post_init__(self) -> None:
        picture = self.picture
        if not isinstance(picture, np.ndarray):
            return
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise ShapeError(
                f"frame {self.index} must be (H, W, 3) uint8, "
                f"received {picture.shape} {picture.dtype}."
            )

    @property
    def is_skipped(self) -> bool:
        """Say whether there is no picture: sparse decoding has left it out."""
        return isinstance(self.picture, SkippedPicture)

    @property
    def rgb(self) -> ByteArray:
        """The whole picture, `(H, W, 3)` uint8.

        Raises:
            VideoError: a decoded picture cannot be converted, or there is none.
        """
        picture = self.picture
        return picture if isinstance(picture, np.ndarray) else picture.rgb

    @property
    def height(self) -> int:
        """Rows of the picture."""
        picture = self.picture
        if isinstance(picture, np.ndarray):
            return int(picture.shape[0])
        return picture.height

    @property
    def width(self) -> int:
        """Columns of the picture."""
        picture = self.picture
        if isinstance(picture, np.ndarray):
            return int(picture.shape[1])
        return picture.width


@dataclass(frozen=True, eq=False, slots=True)
class Detections:
    """Detections of one frame, best score first.

    Attributes:
        boxes: `(N, 4)` float32, x1, y1, x2, y2 in pixels of the decoded frame; the
            first pixel spans 0 to 1, x2 and y2 are exclusive.
        scores: `(N,)` float32 in [0, 1].
        labels: `(N,)` int32, 0-based index into the detector's classes (background is
            not a class).
    """

    boxes: FloatArray
    scores: FloatArray
    labels: IntArray

    def __post_init__(self) -> None:
        count = len(self.scores)
        if self.boxes.shape != (count, 4) or self.labels.shape != (count,):
            raise ShapeError(
                "detections must share their length. Expected boxes (N, 4), scores "
                f"(N,), labels (N,); received {self.boxes.shape}, {self.scores.shape}, "
                f"{self.labels.shape}."
            )
        # Ten sets a frame are made: a method of an array costs twice as much.
        least, most = np.minimum.reduce, np.maximum.reduce
        if count and not (least(self.scores) >= 0 and most(self.scores) <= 1):
            raise ValueError(
                "scores must lie in [0, 1], received "
                f"{self.scores.min()} to {self.scores.max()}."
            )

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def empty(cls) -> Self:
        """Give the detections of a frame in which nothing was found."""
        return cls(
            np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32)
        )

    def select(self, keep: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Self:
        """Give the detections at `keep`, a boolean mask or indices, in that order."""
        return type(self)(self.boxes[keep], self.scores[keep], self.labels[keep])
