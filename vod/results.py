"""Result files: JSON lines, COCO results, ImageNet VID lines; each plain or `.gz`.

JSON lines (`vod-results/1`) keep everything and are read back by `read_results`: first
a header line, `{"schema", "video", "classes", "config", "weights"}`, then one line a
frame, `{"frame", "time_s", "key_frame", "detections"}`. Each detection has `box` (x1,
y1, x2, y2 in pixels of the frame), `score` and `label` (the class name), and says where
it comes from, as `Provenance` explains: `key_frame` (that frame's index), `age`,
`displacement` and `confidence`. Files without these four are read as well. Where
objects were tracked, each has `track` too: its track's number, or null.
"""

import contextlib
import gzip
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO

from vod.config import nearest
from vod.errors import ConfigError, VideoError
from vod.files import PendingFile, keeps_output
from vod.provenance import Provenance
from vod.results_formats import CocoResults, Encoder, JsonLines, VidLines
from vod.results_reading import SCHEMA, ResultLine, ResultsHeader, read_results
from vod.types import Detections, IntArray
from vod.video_info import VideoInfo

__all__ = [
    "RESULT_FORMATS",
    "SCHEMA",
    "ResultLine",
    "ResultsHeader",
    "ResultsWriter",
    "open_results",
    "read_results",
]

RESULT_FORMATS: Final = ("jsonl", "coco", "vid")
_FORMAT_BY_SUFFIX: Final[Mapping[str, str]] = {
    ".jsonl": "jsonl",
    ".json": "coco",
    ".txt": "vid",
}


class ResultsWriter:
    """Write the results of one video, frame by frame; use as a context manager.

    The file appears under its name when it is complete: at the end of the body, at
    `close`, or, with the frames so far, after Ctrl+C. Any other exception leaves
    nothing behind. See `open_results`.
    """

    def __init__(self, path: Path, encoder: Encoder) -> None:
        self._path = path
        self._encoder = encoder
        self._pending = PendingFile(path)
        self._stream: TextIO | None = None
        try:
            with _failing_to_write(path):
                self._stream = _open_text(self._pending.temporary, path.suffix == ".gz")
            self._put(encoder.opening())
        except BaseException:
            self._discard()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if keeps_output(error_type):
            self.close()
        else:
            self._discard()

    def write(
        self,
        frame_index: int,
        time_s: float,
        key_frame: bool,
        detections: Detections,
        provenance: Provenance | None = None,
        track_ids: IntArray | None = None,
    ) -> None:
        """Add the results of one frame; a frame without detections counts too.

        Args:
            frame_index: 0-based.
            time_s: of the frame, in seconds.
            key_frame: whether the whole detector ran on it.
            detections: labels are positions in `class_names` of `open_results`.
            provenance: of the detections, row by row; None where it is not known. JSON
                lines alone have a place for it.
            track_ids: of the detections, -1 for none; None where nothing was tracked.
                JSON lines alone have a place for them.

        Raises:
            ShapeError: provenance or track numbers and detections differ in length.
            VideoError: if the file cannot be written or is already finished.
        """
        line = ResultLine(
            frame_index, time_s, key_frame, detections, provenance, track_ids
        )
        self._put(self._encoder.frame(line))

    def close(self) -> None:
        """Finish the file and give it its name; again is harmless."""
        if self._stream is None:
            return
        try:
            self._put(self._encoder.closing())
            with _failing_to_write(self._path):
                self._stream.close()
        except BaseException:
            self._discard()
            raise
        self._stream = None
        self._pending.commit()

    def _put(self, text: str) -> None:
        if self._stream is None:
            raise VideoError(f"cannot write to {self._path}: it is already finished.")
        with _failing_to_write(self._path):
            self._stream.write(text)

    def _discard(self) -> None:
        stream, self._stream = self._stream, None
        try:
            if stream is not None:
                stream.close()
        except OSError:
            return  # its last bytes did not fit on the disk, and go anyway
        finally:
            self._pending.discard()


def open_results(
    path: Path,
    result_format: str | None = None,
    *,
    info: VideoInfo,
    class_names: Sequence[str],
    config: Mapping[str, Any],
    weights: Mapping[str, str],
) -> ResultsWriter:
    """Open a result file.

    * `jsonl`: see the head of this file.
    * `coco`: `[{image_id, category_id, bbox [x, y, w, h], score}]`, where image_id =
      frame index + 1 (the number that `vid` uses too) and category_id is COCO's own,
      1 to 90, where all classes are COCO's, else label + 1.
    * `vid`: `<frame index + 1> <class 1 to 30> <score> xmin ymin xmax ymax`; classes
      that ImageNet VID lacks are left out.

    Args:
        path: `.jsonl`, `.json` (COCO) or `.txt` (VID), each also with `.gz`.
        result_format: one of `RESULT_FORMATS`, whatever the ending of `path`; None to
            go by the ending.
        info: of the video.
        class_names: by label.
        config: the resolved configuration, ready for JSON.
        weights: sha256 by file name.

    Raises:
        ConfigError: if the format is unknown, or `vid` knows none of the classes.
        VideoError: if `path` cannot be written.
    """
    names = tuple(class_names)
    header = {
        "schema": SCHEMA,
        "video": info.facts(),
        "classes": names,
        "config": dict(config),
        "weights": dict(weights),
    }
    encoders: dict[str, Callable[[], Encoder]] = {
        "jsonl": lambda: JsonLines(header, names),
        "coco": lambda: CocoResults(names),
        "vid": lambda: VidLines(names),
    }
    chosen = result_format or _format_of(path)
    if chosen not in encoders:
        raise ConfigError(
            f"unknown result format '{chosen}'.{nearest(chosen, RESULT_FORMATS)}"
        )
    return ResultsWriter(path, encoders[chosen]())


def _format_of(path: Path) -> str:
    stem = path.with_suffix("") if path.suffix == ".gz" else path
    if stem.suffix not in _FORMAT_BY_SUFFIX:
        known = ", ".join(_FORMAT_BY_SUFFIX)
        raise ConfigError(
            f"the format of {path} is unclear: its name must end in {known}, each also "
            "with .gz, or the format must be named."
        )
    return _FORMAT_BY_SUFFIX[stem.suffix]


@contextlib.contextmanager
def _failing_to_write(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise VideoError(f"cannot write {path}: {error.strerror or error}.") from error


def _open_text(path: Path, is_gzip: bool) -> TextIO:
    if not is_gzip:
        return path.open("w", encoding="utf-8", newline="\n")
    return io.TextIOWrapper(_GzipFile(path), encoding="utf-8", newline="\n")


class _GzipFile(gzip.GzipFile):
    """Compress without name and time: equal results are equal files."""

    def __init__(self, path: Path) -> None:
        self._raw = path.open("wb")
        super().__init__(filename="", mode="wb", fileobj=self._raw, mtime=0)

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._raw.close()
