"""Middlebury: a few laboratory scenes with dense flow."""

from pathlib import Path
from typing import Final

from flow.datasets.layout_files import complete, inner_folders
from flow.datasets.pairs import PairFiles

PICTURES: Final = ("other-data", "other-color-twoframes", "other-color-allframes")
"""Names that the archives of the colour pictures unpack to."""

FLOWS: Final = "other-gt-flow"


def find(root: Path) -> Path | None:
    """Give the folder that holds `other-gt-flow/` and the pictures."""
    there = (root / FLOWS).is_dir() and _pictures(root) is not None
    return root if there else None


def list_pairs(folder: Path, _split: str | None) -> list[PairFiles]:
    """List the scenes whose flow was published, by name.

    Raises:
        FlowError: a scene lacks a file.
    """
    pictures = _pictures(folder) or folder / PICTURES[0]
    pairs = []
    for scene in inner_folders(folder / FLOWS):
        pair = PairFiles(
            scene,
            pictures / scene / "frame10.png",
            pictures / scene / "frame11.png",
            folder / FLOWS / scene / "flow10.flo",
        )
        pairs.append(complete(pair))
    return pairs


def _pictures(root: Path) -> Path | None:
    # An archive unpacked into a folder of its own name keeps `other-data` inside.
    places = [root / name for name in PICTURES]
    places = [inner for p in places for inner in (p / PICTURES[0], p)]
    return next((place for place in places if place.is_dir()), None)
