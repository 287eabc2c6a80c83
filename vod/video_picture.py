"""The picture of a decoded video frame, turned into RGB only when somebody looks.

A detector looks at a small picture. Made from the decoder's own planes (brightness and
colour, YUV), it costs half of what it does by way of the whole picture in RGB, which
is needed only where a frame is drawn, written or shown.
"""

import functools
import threading
from dataclasses import dataclass
from typing import Any, Final

import av.error
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter

from vod.canvas import YuvCanvas
from vod.errors import VideoError
from vod.types import ByteArray, FloatArray

_UNSPECIFIED: Final = 2  # AVCOL_SPC_UNSPECIFIED
_FULL_RANGE: Final = 2  # AVCOL_RANGE_JPEG
_HD_HEIGHT: Final = 720  # untagged pictures from here on are BT.709, as players assume
_BT709: Final = (0.2126, 0.0722)
_BT601: Final = (0.299, 0.114)
_WEIGHTS: Final = {1: _BT709, 5: _BT601, 6: _BT601}
"""Share of red and of blue in the brightness, by AVCOL_SPC_ number (ITU-T H.273)."""

_PLANAR: Final = frozenset(
    {"yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p"}
)
"""Three planes of 8 bits; every other format goes by way of the whole picture."""

_threads = threading.local()  # a reformatter serves one thread


@dataclass(frozen=True, slots=True)
class Orientation:
    """How to show a decoded picture: transpose, then mirror, then turn upside down."""

    turned: bool = False
    mirror: bool = False
    upside_down: bool = False

    @classmethod
    def of(cls, decoded: VideoFrame) -> "Orientation":
        """Read a frame's display matrix.

        The matrix `[a b u; c d v; x y w]` maps x' = a x + c y, y' = b x + d y
        (FFmpeg, libavutil/display.h), so a = 0 swaps the axes and the signs flip them.
        """
        matrix: Any = decoded.side_data.get("DISPLAYMATRIX")
        if matrix is None:
            return cls()
        a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
        turned = abs(b) > abs(a)
        return cls(turned, (c if turned else a) < 0, (b if turned else d) < 0)

    def apply(self, picture: ByteArray) -> ByteArray:
        """Turn `(H, W)` or `(H, W, 3)`; gives a contiguous array."""
        if self.turned:
            picture = picture.swapaxes(0, 1)
        if self.mirror:
            picture = picture[:, ::-1]
        if self.upside_down:
            picture = picture[::-1]
        return np.ascontiguousarray(picture)


class VideoPicture:
    """One decoded picture, as a viewer would see it (rotation applied).

    Safe to share between threads: two that ask at once both get the right answer.

    Attributes:
        height: rows.
        width: columns.
    """

    __slots__ = (
        "_decoded",
        "_name",
        "_orientation",
        "_rgb",
        "_size",
        "_small",
        "_yuv",
        "height",
        "width",
    )

    def __init__(
        self,
        decoded: VideoFrame,
        *,
        size: tuple[int, int],
        orientation: Orientation,
        name: str,
    ) -> None:
        """Keep a decoded frame.

        Args:
            decoded: is not changed, and stays in memory as long as this does.
            size: width and height of the clip before it is turned; a frame of another
                size is scaled to it.
            orientation: how to show it.
            name: for messages, such as `clip.mp4: frame 7`.
        """
        self._decoded = decoded
        self._size = size
        self._orientation = orientation
        self._name = name
        self._rgb: ByteArray | None = None
        self._small: ByteArray | None = None
        self._yuv: tuple[list[ByteArray], FloatArray] | None = None
        self.width, self.height = size[::-1] if orientation.turned else size

    @property
    def rgb(self) -> ByteArray:
        """The whole picture, `(H, W, 3)` uint8; converted once and then kept.

        Raises:
            VideoError: FFmpeg cannot convert it.
        """
        found = self._rgb
        if found is None:
            found = self._rgb = self._orientation.apply(self._convert())
        return found

    def resized(self, height: int, width: int) -> ByteArray:
        """Give the picture stretched bilinearly to `(height, width, 3)` uint8.

        Where the planes allow it, they are stretched before they become RGB instead of
        after. Both are linear, so what differs is rounding, and colour (but not
        brightness) between two samples of it. The last one asked for is kept, so that
        one thread may make what another needs: it is not to be written to.

        Raises:
            VideoError: FFmpeg cannot convert the picture.
        """
        small = self._small
        if small is None or small.shape[:2] != (height, width):
            small = self._resized(height, width)
            self._small = small
        return small

    def grey(self, height: int, width: int) -> ByteArray:
        """Give the brightness alone, stretched likewise, `(height, width)` uint8.

        From 0, black, to 255, white, weighed as the codec does where it is told: one
        plane of three is read, and nothing is converted.

        Raises:
            VideoError: FFmpeg cannot convert the picture.
        """
        found = self._planes_and_matrix()
        if found is None:
            small = self._resized(height, width)
            return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        size = (width, height) if self._orientation.turned else (height, width)
        luma = _stretch(found[0][0], *size)
        if not self._is_full():
            luma = cv2.LUT(luma, _limited_to_full())
        return self._orientation.apply(luma)

    def _resized(self, height: int, width: int) -> ByteArray:
        found = self._planes_and_matrix()
        if found is None:
            return _stretch(self.rgb, height, width)
        planes, matrix = found
        # A picture lying on its side is turned last, when it is small.
        size = (width, height) if self._orientation.turned else (height, width)
        small = cv2.merge([_stretch(plane, *size) for plane in planes])
        rgb: Any = cv2.transform(small, matrix)
        return self._orientation.apply(rgb)

    @property
    def writable_matrix(self) -> int | None:
        """AVCOL_SPC_ number of the planes, where they may be written as they are."""
        decoded, space = self._decoded, self._space()
        upright = self._orientation == Orientation()
        is_even = not (decoded.width | decoded.height) & 1
        plain = decoded.format.name == "yuv420p" and not self._is_full()
        return space if space and upright and is_even and plain else None

    def copied(
        self, onto: VideoFrame | None = None
    ) -> tuple[VideoFrame, YuvCanvas] | None:
        """Give a copy of the planes to draw on and write; see `writable_matrix`.

        Args:
            onto: an earlier copy, already written, whose memory is taken again: fresh
                memory for each frame takes longer than the copy itself.
        """
        found = self._planes_and_matrix()
        if self.writable_matrix is None or found is None:
            return None
        planes, matrix = found
        copy = onto
        if copy is None or (copy.width, copy.height) != (self.width, self.height):
            copy = VideoFrame(self.width, self.height, "yuv420p")
        targets = _planes(copy) or []
        for target, plane in zip(targets, planes, strict=True):
            target[:] = plane
        return copy, YuvCanvas(targets, matrix)

    @property
    def as_coded(self) -> VideoFrame:
        """The decoded frame itself, to be written as it is; see `writable_matrix`."""
        self._decoded.pict_type = 0  # the encoder chooses its kind, not the source
        return self._decoded

    def _space(self) -> int | None:
        """Give the AVCOL_SPC_ number of the colours; None where FFmpeg must convert."""
        decoded = self._decoded
        same_size = (decoded.width, decoded.height) == self._size
        if decoded.format.name not in _PLANAR or not same_size:
            return None
        space = int(decoded.colorspace)
        if space == _UNSPECIFIED:
            space = int(_untagged(decoded))
        return space if space in _WEIGHTS else None

    def _is_full(self) -> bool:
        decoded = self._decoded
        tagged = decoded.color_range == _FULL_RANGE
        return tagged or decoded.format.name.startswith("yuvj")

    def _planes_and_matrix(self) -> tuple[list[ByteArray], FloatArray] | None:
        """Give Y, U and V and what makes RGB of them, `(3, 4)`; kept.

        None where FFmpeg must convert them.
        """
        if self._yuv is None:
            space, planes = self._space(), _planes(self._decoded)
            if space is not None and planes is not None:
                matrix = yuv_to_rgb(*_WEIGHTS[space], is_full=self._is_full())
                self._yuv = planes, matrix
        return self._yuv

    def _convert(self) -> ByteArray:
        decoded, source = self._decoded, None
        if decoded.colorspace == _UNSPECIFIED:
            source = _untagged(decoded)
        if not hasattr(_threads, "reformatter"):
            _threads.reformatter = VideoReformatter()
        try:
            picture: ByteArray = _threads.reformatter.reformat(
                decoded, *self._size, "rgb24", src_colorspace=source, threads=1
            ).to_ndarray()
        except (av.error.FFmpegError, ValueError) as error:
            raise VideoError(
                f"{self._name} cannot be shown as RGB ({error})."
            ) from error
        return picture


@functools.lru_cache(maxsize=8)
def yuv_to_rgb(red: float, blue: float, *, is_full: bool) -> FloatArray:
    """Give the `(3, 4)` matrix from (Y, U, V, 1), 8 bits each, to R, G, B.

    Args:
        red: share of red in the brightness.
        blue: share of blue in it.
        is_full: Y spans 0 to 255, not 16 to 235, and U and V likewise.

    Source: ITU-T H.273, equations for matrix coefficients of non-constant luminance.
    """
    green = 1 - red - blue
    luma, chroma = (1.0, 2.0) if is_full else (255 / 219, 2 * 255 / 224)
    from_u, from_v = chroma * (1 - blue), chroma * (1 - red)
    matrix = np.array(
        [
            [luma, 0, from_v],
            [luma, -from_u * blue / green, -from_v * red / green],
            [luma, from_u, 0],
        ]
    )
    origin = np.array([0 if is_full else 16, 128, 128])
    whole: FloatArray = np.c_[matrix, -matrix @ origin].astype(np.float32)
    whole.flags.writeable = False
    return whole


@functools.cache
def _limited_to_full() -> ByteArray:
    """Give brightness from 0 to 255 for each code from 16, black, to 235, white."""
    whole = (np.arange(256) - 16) * (255 / 219)
    return np.clip(np.rint(whole), 0, 255).astype(np.uint8)


def _untagged(decoded: VideoFrame) -> Colorspace:
    return Colorspace.ITU709 if decoded.height >= _HD_HEIGHT else Colorspace.ITU601


def _planes(decoded: VideoFrame) -> list[ByteArray] | None:
    """Give views of a frame's planes, which keep its memory; None if it is upside down.

    (Some decoders of uncompressed video give rows from last to first.)
    """
    planes = decoded.planes
    if any(plane.line_size < plane.width for plane in planes):
        return None
    return [
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
            : plane.height, : plane.width
        ]
        for plane in planes
    ]


def _stretch(picture: ByteArray, height: int, width: int) -> ByteArray:
    size = (width, height)
    stretched: Any = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    small: ByteArray = stretched
    return small
