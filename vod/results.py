"""Result files: JSON lines, COCO results, ImageNet VID lines; each plain or `.gz`.

JSON lines (`vod-results/1`) keep everything and are read back by `read_results`: first
a header line, `{"schema", "video", "classes", "config", "weights"}`, then one line a
frame, `{"frame", "time_s", "key_frame", "detections": [{"box", "score", "label"}]}`,
boxes x1, y1, x2, y2 in pixels of the frame, labels as class names.
"""

import contextlib
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self, TextIO

from vod.coco_classes import coco_category_ids
from vod.config import nearest
from vod.errors import ConfigError, VideoError
from vod.files import PendingFile, keeps_output
from vod.imagenet_vid import format_submission_line, relabelled, vid_labels
from vod.results_reading import SCHEMA, ResultLine, ResultsHeader, read_results
from vod.types import Detections
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
_BOX_DECIMALS: Final = 2  # of a pixel
_SCORE_DECIMALS: Final = 4
_COCO_SCORE_DECIMALS: Final = 6  # rounding to 4 would make ties, which move AP


class _Encoder(Protocol):
    """Turn frames into text, with what stands before and after them."""

    def opening(self) -> str: ...
    def frame(
        self, index: int, time_s: float, key_frame: bool, detections: Detections
    ) -> str: ...
    def closing(self) -> str: ...


class ResultsWriter:
    """Write the results of one video, frame by frame; use as a context manager.

    The file appears under its name when it is complete: at the end of the body, at
    `close`, or, with the frames so far, after Ctrl+C. Any other exception leaves
    nothing behind. See `open_results`.
    """

    def __init__(self, path: Path, encoder: _Encoder) -> None:
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
        self, frame_index: int, time_s: float, key_frame: bool, detections: Detections
    ) -> None:
        """Add the results of one frame; a frame without detections counts too.

        Raises:
            VideoError: if the file cannot be written or is already finished.
        """
        self._put(self._encoder.frame(frame_index, time_s, key_frame, detections))

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
    encoders: dict[str, Callable[[], _Encoder]] = {
        "jsonl": lambda: _JsonLines(header, names),
        "coco": lambda: _CocoResults(names),
        "vid": lambda: _VidLines(names),
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


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class _JsonLines:
    def __init__(self, header: Mapping[str, Any], names: Sequence[str]) -> None:
        self._header, self._names = header, names

    def opening(self) -> str:
        return _dump(self._header) + "\n"

    def frame(
        self, index: int, time_s: float, key_frame: bool, detections: Detections
    ) -> str:
        found = [
            {
                "box": [round(side, _BOX_DECIMALS) for side in box],
                "score": round(score, _SCORE_DECIMALS),
                "label": self._names[label],
            }
            for box, score, label in _rows(detections)
        ]
        line = {"frame": index, "time_s": time_s, "key_frame": bool(key_frame)}
        return _dump({**line, "detections": found}) + "\n"

    def closing(self) -> str:
        return ""


class _CocoResults:
    def __init__(self, names: tuple[str, ...]) -> None:
        self._categories = coco_category_ids(names)
        self._is_first = True

    def opening(self) -> str:
        return "["

    def frame(
        self, index: int, time_s: float, key_frame: bool, detections: Detections
    ) -> str:
        del time_s, key_frame  # COCO's format has no place for them
        lines = []
        for (x1, y1, x2, y2), score, label in _rows(detections):
            found = {
                "image_id": index + 1,
                "category_id": self._categories[label],
                "bbox": [
                    round(side, _BOX_DECIMALS) for side in (x1, y1, x2 - x1, y2 - y1)
                ],
                "score": round(score, _COCO_SCORE_DECIMALS),
            }
            lines.append(("\n" if self._is_first else ",\n") + _dump(found))
            self._is_first = False
        return "".join(lines)

    def closing(self) -> str:
        return "\n]\n"


class _VidLines:
    def __init__(self, names: Sequence[str]) -> None:
        self._labels = vid_labels(names)
        if not len(names) or int(self._labels.max()) < 0:
            raise ConfigError(
                "ImageNet VID lines need a class of ImageNet VID (such as car or dog); "
                "the detector has none of the 30."
            )

    def opening(self) -> str:
        return ""

    def frame(
        self, index: int, time_s: float, key_frame: bool, detections: Detections
    ) -> str:
        del time_s, key_frame  # the format has no place for them
        return "".join(
            format_submission_line(index + 1, label, score=score, box=box) + "\n"
            for box, score, label in _rows(relabelled(detections, self._labels))
        )

    def closing(self) -> str:
        return ""


def _rows(detections: Detections) -> list[tuple[list[float], float, int]]:
    """Give box, score and label of each detection as plain Python values."""
    boxes, scores = detections.boxes.tolist(), detections.scores.tolist()
    return list(zip(boxes, scores, detections.labels.tolist(), strict=True))
