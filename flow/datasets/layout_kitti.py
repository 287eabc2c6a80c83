"""KITTI 2012 and 2015: street scenes with sparse measured flow."""

from pathlib import Path
from typing import Final

from flow.datasets.layout_files import complete, visible_names
from flow.datasets.pairs import PairFiles
from vod.errors import FlowError

PICTURES_2012: Final = "colored_0"
PICTURES_2015: Final = "image_2"

SPLITS: Final = ("occ", "noc")
"""Flow of all measured pixels, or only of those that the second picture shows too."""

_CURRENT, _KEY = "_10.png", "_11.png"


def find_2012(root: Path) -> Path | None:
    """Give the folder that holds `colored_0/` and `flow_occ/` or `flow_noc/`."""
    return _find(root, PICTURES_2012)


def find_2015(root: Path) -> Path | None:
    """Give the folder that holds `image_2/` and `flow_occ/` or `flow_noc/`."""
    return _find(root, PICTURES_2015)


def list_2012(folder: Path, split: str | None) -> list[PairFiles]:
    """List the pairs of KITTI 2012, by number; `split` None is `occ`.

    Raises:
        FlowError: a folder or file is missing.
    """
    return _list(folder, PICTURES_2012, split)


def list_2015(folder: Path, split: str | None) -> list[PairFiles]:
    """List the pairs of KITTI 2015, by number; `split` None is `occ`.

    Raises:
        FlowError: a folder or file is missing.
    """
    return _list(folder, PICTURES_2015, split)


def _find(root: Path, pictures: str) -> Path | None:
    for folder in (root, root / "training"):
        measured = any((folder / f"flow_{split}").is_dir() for split in SPLITS)
        if measured and (folder / pictures).is_dir():
            return folder
    return None


def _list(folder: Path, pictures: str, split: str | None) -> list[PairFiles]:
    measured = folder / f"flow_{split or 'occ'}"
    if not measured.is_dir():
        raise FlowError(f"{folder} has no folder {measured.name}.")
    names = [*visible_names(folder / pictures), *visible_names(measured)]
    # The multi-view extension has frames 00 to 20; only 10 and 11 have flow.
    stems = {n.removesuffix(_CURRENT) for n in names if n.endswith(_CURRENT)}
    pairs = []
    for stem in sorted(stems):
        pair = PairFiles(
            stem,
            folder / pictures / f"{stem}{_CURRENT}",
            folder / pictures / f"{stem}{_KEY}",
            measured / f"{stem}{_CURRENT}",
        )
        pairs.append(complete(pair))
    return pairs
