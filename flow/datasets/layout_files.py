"""What the readers of every layout need: names in a folder, pairs that are complete."""

from pathlib import Path

from flow.datasets.pairs import PairFiles
from vod.errors import FlowError


def visible_names(folder: Path) -> list[str]:
    """Give the names in a folder, sorted, without hidden ones (`._00001_img1.ppm`).

    Raises:
        FlowError: the folder cannot be read.
    """
    try:
        return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
    except OSError as error:
        raise FlowError(f"cannot read folder {folder}: {error.strerror}.") from error


def inner_folders(folder: Path) -> list[str]:
    """Give the names of the folders in a folder, sorted."""
    return [name for name in visible_names(folder) if (folder / name).is_dir()]


def complete(pair: PairFiles) -> PairFiles:
    """Give the pair back if all its files are there.

    Raises:
        FlowError: one is not.
    """
    for path in (pair.current, pair.key, pair.flow, *pair.left_out):
        if not path.is_file():
            raise FlowError(f"pair {pair.name} has no {path}.")
    return pair
