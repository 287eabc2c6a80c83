"""Flying Chairs: its official archive, and the small sets that repackage it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flow.datasets.layout_files import visible_names
from flow.datasets.pairs import PairFiles
from vod.errors import FlowError

Endings = tuple[str, str, str]
"""Of the current picture, the key picture and the flow between them."""

OFFICIAL: Final[tuple[Endings, ...]] = (("_img1.ppm", "_img2.ppm", "_flow.flo"),)

EXAMPLES: Final[tuple[Endings, ...]] = (
    ("-img0.png", "-img1.png", "-gt.flo"),
    ("-img0.ppm", "-img1.ppm", "-gt.flo"),
)
"""As FlowNet2 and flownet2-tf pack their samples, also converted to PNG."""

SPLIT_FILE: Final = "FlyingChairs_train_val.txt"
SPLIT_CODES: Final = {"train": "1", "val": "2"}
"""Line n of the split file is the code of pair n."""


def find_official(root: Path) -> Path | None:
    """Give the folder that holds `00001_flow.flo` and so on."""
    folders = (root, root / "data", root / "FlyingChairs_release" / "data")
    return next((folder for folder in folders if _holds_any(folder, OFFICIAL)), None)


def find_examples(root: Path) -> Path | None:
    """Give the folder that holds `*-gt.flo`."""
    return root if _holds_any(root, EXAMPLES) else None


def list_official(folder: Path, split: str | None) -> list[PairFiles]:
    """List the pairs of the official archive, by number.

    Raises:
        FlowError: a pair lacks a file, or the split file is missing or does not fit.
    """
    pairs = _complete_pairs(folder, OFFICIAL)
    if split is None:
        return pairs
    path = _split_file(folder)
    codes = _read_codes(path, len(pairs))
    for number, pair in enumerate(pairs, 1):
        if pair.name != f"{number:05d}":
            raise FlowError(
                f"line {number} of {path} is pair {number:05d}, but {folder} goes on "
                f"with {pair.name}. Fetch what is missing, or take all pairs."
            )
    wanted = SPLIT_CODES[split]
    return [pair for pair, code in zip(pairs, codes, strict=True) if code == wanted]


def list_examples(folder: Path, _split: str | None) -> list[PairFiles]:
    """List the pairs of a repackaged set, by name.

    Raises:
        FlowError: a pair lacks a file.
    """
    return _complete_pairs(folder, EXAMPLES)


def _holds_any(folder: Path, kinds: Sequence[Endings]) -> bool:
    every = tuple(ending for kind in kinds for ending in kind)
    return folder.is_dir() and any(n.endswith(every) for n in visible_names(folder))


def _complete_pairs(folder: Path, kinds: Sequence[Endings]) -> list[PairFiles]:
    names = frozenset(visible_names(folder))
    stems = {
        name.removesuffix(ending)
        for name in names
        for kind in kinds
        for ending in kind
        if name.endswith(ending)
    }
    pairs = []
    for stem in sorted(stems):
        files = [[stem + ending for ending in kind] for kind in kinds]
        current, key, flow = max(files, key=lambda f: sum(name in names for name in f))
        for name in (current, key, flow):
            if name not in names:
                raise FlowError(f"pair {stem} has no {folder / name}.")
        pairs.append(PairFiles(stem, folder / current, folder / key, folder / flow))
    return pairs


def _split_file(folder: Path) -> Path:
    # It is a download of its own; people keep it in any of these.
    places = (folder, folder.parent, folder.parent.parent)
    for place in places:
        if (place / SPLIT_FILE).is_file():
            return place / SPLIT_FILE
    raise FlowError(
        f"{folder} has no {SPLIT_FILE} in it or in the two folders above; it says "
        "which pairs are for training. Fetch it from the site of Flying Chairs."
    )


def _read_codes(path: Path, pairs: int) -> list[str]:
    codes = path.read_text(encoding="utf-8", errors="replace").split()
    for line, code in enumerate(codes, 1):
        if code not in SPLIT_CODES.values():
            raise FlowError(
                f"{path}, line {line}: expected 1 (train) or 2 (val), received "
                f"{code!r}."
            )
    if len(codes) != pairs:
        raise FlowError(
            f"{path} has {len(codes)} lines, but there are {pairs} pairs; it has one "
            "line for each pair. Fetch what is missing, or take all pairs."
        )
    return codes
