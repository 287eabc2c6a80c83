"""MPI Sintel: rendered scenes, each frame with the flow to the next one."""

import itertools
import re
from pathlib import Path
from typing import Final

from flow.datasets.layout_files import complete, inner_folders, visible_names
from flow.datasets.pairs import PairFiles
from vod.errors import FlowError

PASSES: Final = ("clean", "final")
NON_OCCLUDED: Final = "-noc"
SPLITS: Final = (*PASSES, *(name + NON_OCCLUDED for name in PASSES))
"""A rendering pass; `-noc` leaves out pixels that the next frame does not show."""

_FRAME = re.compile(r"frame_(\d+)\.png")


def find(root: Path) -> Path | None:
    """Give the folder that holds `flow/` and a rendering pass."""
    for folder in (root, root / "training"):
        passes = [name for name in PASSES if (folder / name).is_dir()]
        if passes and (folder / "flow").is_dir():
            return folder
    return None


def list_pairs(folder: Path, split: str | None) -> list[PairFiles]:
    """List the pairs of one pass, or of all that are there, by scene and frame.

    Raises:
        FlowError: a pass or file is missing, or there is no scene.
    """
    if split is None:
        there = [name for name in PASSES if (folder / name).is_dir()]
        return [pair for name in there for pair in list_pairs(folder, name)]
    name = split.removesuffix(NON_OCCLUDED)
    masks = ["invalid"] if (folder / "invalid").is_dir() else []
    if split.endswith(NON_OCCLUDED):
        masks.append("occlusions")
    for needed in (name, *masks):
        if not (folder / needed).is_dir():
            raise FlowError(f"{folder} has no folder {needed}, which {split} needs.")
    scenes = inner_folders(folder / name)
    return [pair for s in scenes for pair in _scene_pairs(folder, name, s, masks)]


def _scene_pairs(
    folder: Path, rendering: str, scene: str, masks: list[str]
) -> list[PairFiles]:
    pictures = folder / rendering / scene
    frames = [name for name in visible_names(pictures) if _FRAME.fullmatch(name)]
    pairs = []
    # The last frame has no next one, so no flow.
    for current, key in itertools.pairwise(frames):
        if _number(key) != _number(current) + 1:
            raise FlowError(f"{pictures} goes from {current} to {key}: one is missing.")
        stem = current.removesuffix(".png")
        pair = PairFiles(
            f"{rendering}/{scene}/{stem}",
            pictures / current,
            pictures / key,
            folder / "flow" / scene / f"{stem}.flo",
            tuple(folder / mask / scene / current for mask in masks),
        )
        pairs.append(complete(pair))
    return pairs


def _number(name: str) -> int:
    match = _FRAME.fullmatch(name)
    return int(match[1]) if match else 0
