"""Where files lie that can be made again: never in the repository or a data folder."""

import os
from pathlib import Path
from typing import Final

from vod.errors import VideoError

CACHE_VARIABLE: Final = "VOD_CACHE"


def cache_folder(*parts: str) -> Path:
    """Give a folder of the user's cache, and make it.

    It lies under `$VOD_CACHE`, else `$XDG_CACHE_HOME/vod`, else `~/.cache/vod`.

    Args:
        parts: names of the folders below it.

    Raises:
        VideoError: it cannot be made.
    """
    own = os.environ.get(CACHE_VARIABLE, "")
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = shared if shared.is_absolute() else Path.home() / ".cache"
    folder = (Path(own) if own else base / "vod").joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(
            f"cannot make the cache folder {folder} ({error.strerror}): set "
            f"{CACHE_VARIABLE} to a folder that can be written."
        ) from error
    return folder
