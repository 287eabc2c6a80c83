"""Write many detections as ILSVRC VID submission lines, 10 million in half a minute."""

import gzip
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, cast

from vod.errors import VideoError
from vod.files import PendingFile
from vod.predictions import Predictions

SCORE_DECIMALS: Final = 6
BOX_DECIMALS: Final = 2
_LINE: Final = f"%d %d %.{SCORE_DECIMALS}f{f' %.{BOX_DECIMALS}f' * 4}\n"
_LINES_AT_ONCE: Final = 100_000
_GZIP_LEVEL: Final = 3  # half the time of the usual 6, files a tenth larger


def write_submission_lines(path: Path, predictions: Predictions) -> None:
    """Write `index class score xmin ymin xmax ymax`, complete or not at all.

    Scores keep 6 decimals and boxes 2. Equal predictions make equal files.

    Args:
        path: ends in `.gz` to be compressed.
        predictions: labels are written + 1.

    Raises:
        VideoError: the file cannot be written.
    """
    pending = PendingFile(path)
    try:
        with _open(pending.temporary, compressed=path.suffix == ".gz") as stream:
            for first in range(0, len(predictions), _LINES_AT_ONCE):
                stream.write(_text(predictions, first).encode("ascii"))
        pending.commit()
    except OSError as error:
        if isinstance(error, VideoError):
            raise
        raise VideoError(f"cannot write {path}: {error.strerror or error}.") from error
    finally:
        pending.discard()


def _text(predictions: Predictions, first: int) -> str:
    rows = slice(first, first + _LINES_AT_ONCE)
    columns = zip(
        predictions.indices[rows].tolist(),
        (predictions.labels[rows] + 1).tolist(),
        predictions.scores[rows].tolist(),
        *predictions.boxes[rows].T.tolist(),
        strict=True,
    )
    count = len(predictions.scores[rows])
    return (_LINE * count) % tuple(chain.from_iterable(columns))


def _open(path: Path, *, compressed: bool) -> BinaryIO:
    if not compressed:
        return path.open("wb")
    # The name and the time would make equal contents different files.
    return cast(BinaryIO, _Unnamed(path))


class _Unnamed(gzip.GzipFile):
    def __init__(self, path: Path) -> None:
        self._raw = path.open("wb")
        super().__init__("", "wb", _GZIP_LEVEL, self._raw, mtime=0)

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._raw.close()
