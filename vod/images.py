"""Image files as a clip: found, sorted as people count, and read one by one."""

import glob
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import cv2
import numpy as np

from vod.errors import VideoError
from vod.types import ByteArray, Frame
from vod.video import VideoInfo

IMAGE_SUFFIXES: Final = frozenset(
    {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
DEFAULT_IMAGE_RATE: Final = Fraction(25)


class ImageSource:
    """Read image files one after the other, as if they were a clip.

    Args:
        name: for messages.
        paths: image files, at least one, in order.
        start_s: the first image at or after this time is the first one yielded.
        max_frames: stop after so many images.
        rate: images a second.

    Raises:
        VideoError: if an image cannot be read, here or while iterating.
    """

    def __init__(
        self,
        name: str,
        paths: Sequence[Path],
        *,
        start_s: float = 0.0,
        max_frames: int | None = None,
        rate: Fraction = DEFAULT_IMAGE_RATE,
    ) -> None:
        self.problems: list[str] = []
        # The tolerance keeps 0.3 s x 10 images a second at image 3, not 4.
        self._skipped = max(0, int(np.ceil(start_s * float(rate) - 1e-6)))
        stop = None if max_frames is None else self._skipped + max_frames
        self._paths = paths[self._skipped : stop]
        self._rate = rate
        if not self._paths:
            raise VideoError(
                f"{name} has no image at or after {start_s:g} s: {len(paths)} images "
                f"at {float(rate):g} a second."
            )
        self._first = read_image(self._paths[0])
        self.info = VideoInfo(
            name=name,
            width=self._first.shape[1],
            height=self._first.shape[0],
            average_rate=rate,
            frame_count=len(self._paths),
            duration_s=float(len(paths) / rate),
            time_base=1 / rate,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing stays open between two images."""

    def __iter__(self) -> Iterator[Frame]:
        for index, path in enumerate(self._paths):
            rgb = self._first if index == 0 else read_image(path)
            yield Frame(index, float((index + self._skipped) / self._rate), rgb)


def read_image(path: Path) -> ByteArray:
    """Read an image file as `(H, W, 3)` uint8 RGB, turned as its EXIF data says.

    Raises:
        VideoError: if the file is missing or not an image.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise VideoError(f"cannot read {path}: {error.strerror or error}.") from error
    if not data.size:
        raise VideoError(f"{path} is empty (0 bytes); an image was expected.")
    try:
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise VideoError(f"{path} is not an image that OpenCV can read.") from error
    if bgr is None:
        raise VideoError(f"{path} is not an image that OpenCV can read.")
    rgb: ByteArray = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return rgb


def find_images(spec: str) -> list[Path] | None:
    """List the images that `spec` means, in natural order; None when it is a video.

    Args:
        spec: a folder, an image, a pattern such as `frames/*.jpg`, or anything else.

    Raises:
        VideoError: if a folder or pattern holds no image.
    """
    path = Path(spec)
    if path.is_dir():
        try:
            found = [file for file in path.iterdir() if _is_image(file)]
        except OSError as error:
            raise VideoError(f"cannot read {path}: {error.strerror}.") from error
        if not found:
            known = " ".join(sorted(IMAGE_SUFFIXES))
            raise VideoError(f"the folder {path} holds no images ({known}).")
    elif path.exists():
        found = [path] if _is_image(path) else []
    elif glob.has_magic(spec):
        matches = [Path(match) for match in glob.glob(spec, recursive=True)]  # noqa: PTH207 (absolute patterns)
        found = [file for file in matches if _is_image(file)]
        if not found:
            raise VideoError(
                f"no image matches {spec} (files matched: {len(matches)})."
            )
    else:
        found = []
    return sorted(found, key=lambda file: natural_key(str(file))) or None


def _is_image(path: Path) -> bool:
    hidden = path.name.startswith(".")  # such as macOS's ._img.jpg
    return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file() and not hidden


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Give a sorting key that reads runs of digits as numbers.

    >>> sorted(["img10.png", "img2.png"], key=natural_key)
    ['img2.png', 'img10.png']
    """
    parts = re.split(r"([0-9]+)", name)
    key = [
        (0, int(part), "") if part.isdecimal() else (1, 0, part.casefold())
        for part in parts
        if part
    ]
    return [*key, (-1, 0, name)]  # img1 and img01 keep a fixed order
