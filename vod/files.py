"""Files that are either complete or not there."""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vod.errors import VideoError


class PendingFile:
    """A file that grows under a temporary name beside its target.

    `commit` renames it to the target, `discard` removes it. A target that could not be
    written is refused here, before any work begins. Through a link, the file that the
    link names is replaced and the link stays.

    Attributes:
        target: the file that `commit` makes.
        temporary: the existing, empty file to write to until then.

    Raises:
        VideoError: if the target is a folder or read-only, or its folder is missing or
            closed to us.
    """

    def __init__(self, target: Path) -> None:
        if target.is_dir():
            raise VideoError(f"cannot write {target}: it is a folder, name a file.")
        if target.exists() and not target.is_file():
            raise VideoError(f"cannot write {target}: it is not a regular file.")
        if target.exists() and not os.access(target, os.W_OK):
            raise VideoError(f"cannot write {target}: the file is read-only.")
        if not target.parent.is_dir():
            raise VideoError(
                f"cannot write {target}: the folder {target.parent} does not exist, "
                "create it first."
            )
        self.target = target.resolve()
        self.temporary = self.target.with_name(f".{secrets.token_hex(6)}.part")
        try:
            self.temporary.touch(exist_ok=False)
        except OSError as error:
            raise VideoError(
                f"cannot write {target}: {error.strerror or error}."
            ) from error

    def commit(self) -> None:
        """Give the file its real name, in one step."""
        try:
            self.temporary.replace(self.target)
        except OSError as error:
            self.discard()
            raise VideoError(
                f"cannot write {self.target}: {error.strerror or error}."
            ) from error

    def discard(self) -> None:
        """Remove what was written; the target stays as it was."""
        self.temporary.unlink(missing_ok=True)


def keeps_output(error_type: type[BaseException] | None) -> bool:
    """Say whether what was written so far is kept when a `with` body ends like this.

    The end of the body and the user's Ctrl+C keep it; any other exception does not.
    """
    return error_type is None or issubclass(error_type, KeyboardInterrupt)


@contextmanager
def reserved_report(path: Path | None) -> Iterator[Callable[[Any], None]]:
    """Make sure that a JSON report can be written before the work for it begins.

    Args:
        path: the report; None where nobody asked for one.

    Yields:
        A function that writes the report's values and gives the file its name. Where
        it is not called, nothing is left behind.

    Raises:
        VideoError: the file cannot be written.
    """
    if path is None:
        yield lambda _values: None
        return
    pending = PendingFile(path)

    def write(values: Any) -> None:
        try:
            text = json.dumps(values, indent=1) + "\n"
            pending.temporary.write_text(text, encoding="utf-8")
        except OSError as error:
            raise VideoError(f"cannot write {path}: {error.strerror}.") from error
        pending.commit()

    try:
        yield write
    finally:
        pending.discard()
