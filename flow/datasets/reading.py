"""Data sets of optical flow, in the layouts that their authors publish.

chairs: `00001_img1.ppm`, `00001_img2.ppm`, `00001_flow.flo`, in the folder or in its
    `data/`. Splits train and val need `FlyingChairs_train_val.txt` (line n is pair n's:
    1 train, 2 val) beside them or in one of the two folders above.
chairs-examples: `NAME-img0.png`, `NAME-img1.png` (or .ppm), `NAME-gt.flo`.
sintel: `clean/SCENE/frame_0001.png`, `final/...`, `flow/SCENE/frame_0001.flo`, in the
    folder or in its `training/`. Masks in `invalid/` are heeded where they are. Splits
    clean, final (none named: both), and clean-noc, final-noc, which also leave out the
    pixels that `occlusions/` masks.
kitti2012: `colored_0/000000_10.png`, `000000_11.png`, `flow_occ/000000_10.png`, in the
    folder or in its `training/`. Splits occ (also when none is named) and noc.
kitti2015: the same with `image_2/`.
middlebury: `other-data/SCENE/frame10.png`, `frame11.png` (or in
    `other-color-twoframes/`), `other-gt-flow/SCENE/flow10.flo`.
records: what `python -m flow.records write` made.

In all of them the first picture is `current`, the second `key`: the published flow goes
from the first to the second, as the backward flow does that propagation needs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flow.datasets import (
    layout_chairs,
    layout_kitti,
    layout_middlebury,
    layout_sintel,
    record_reading,
)
from flow.datasets.pairs import FlowPair
from flow.datasets.record_format import INDEX_FILE
from vod.errors import ConfigError, FlowError

AUTO: Final = "auto"


@dataclass(frozen=True, slots=True)
class Layout:
    """How one data set lies on disk.

    Attributes:
        find: gives the folder that holds its files, None if the root is no such set.
        list_pairs: lists the pairs of that folder, of a split or (None) of the whole.
        splits: the names it knows.
        expected: what a root looks like, for messages.
    """

    find: Callable[[Path], Path | None]
    list_pairs: Callable[[Path, str | None], Sequence[FlowPair]]
    splits: tuple[str, ...]
    expected: str


LAYOUTS: Final[Mapping[str, Layout]] = {
    "chairs": Layout(
        layout_chairs.find_official,
        layout_chairs.list_official,
        tuple(layout_chairs.SPLIT_CODES),
        "*_img1.ppm, *_img2.ppm, *_flow.flo",
    ),
    "chairs-examples": Layout(
        layout_chairs.find_examples,
        layout_chairs.list_examples,
        (),
        "*-img0.png, *-img1.png, *-gt.flo",
    ),
    "sintel": Layout(
        layout_sintel.find,
        layout_sintel.list_pairs,
        layout_sintel.SPLITS,
        "clean/ or final/, flow/",
    ),
    "kitti2012": Layout(
        layout_kitti.find_2012,
        layout_kitti.list_2012,
        layout_kitti.SPLITS,
        "colored_0/, flow_occ/",
    ),
    "kitti2015": Layout(
        layout_kitti.find_2015,
        layout_kitti.list_2015,
        layout_kitti.SPLITS,
        "image_2/, flow_occ/",
    ),
    "middlebury": Layout(
        layout_middlebury.find,
        layout_middlebury.list_pairs,
        (),
        "other-data/, other-gt-flow/",
    ),
    "records": Layout(
        record_reading.find,
        record_reading.list_pairs,
        (),
        INDEX_FILE,
    ),
}


def read_pairs(
    root: Path, layout: str = AUTO, split: str | None = None
) -> list[FlowPair]:
    """List the pairs of a data set; their pictures are read by `load`, not here.

    Args:
        root: the folder of the data set; see this file's head.
        layout: a key of `LAYOUTS`, or `auto` to recognise it from the files.
        split: one of the layout's splits; None for the whole.

    Returns:
        At least one pair, in an order that depends on the files' names only.

    Raises:
        ConfigError: an unknown layout or split, or several layouts in one folder.
        FlowError: no such folder, no pair in it, or a pair that lacks a file.
    """
    name, folder = find_layout(root, layout)
    chosen = LAYOUTS[name]
    if split is not None and split not in chosen.splits:
        known = f"one of {', '.join(chosen.splits)}" if chosen.splits else "no split"
        raise ConfigError(f"{root} is {name}, which has {known}; received {split!r}.")
    pairs = list(chosen.list_pairs(folder, split))
    if not pairs:
        what = f"of split {split}" if split else f"(expected {chosen.expected})"
        raise FlowError(f"{folder} holds no flow pairs {what}.")
    return pairs


def find_layout(root: Path, layout: str = AUTO) -> tuple[str, Path]:
    """Give a data set's layout and the folder that holds its files.

    Raises:
        ConfigError: an unknown layout, or several layouts in one folder.
        FlowError: no such folder, or no data set of that layout.
    """
    if layout != AUTO and layout not in LAYOUTS:
        raise ConfigError(
            f"unknown layout {layout!r}. Choose {AUTO} or one of {', '.join(LAYOUTS)}."
        )
    if not root.is_dir():
        raise FlowError(f"flow data folder {root} does not exist.")
    names = list(LAYOUTS) if layout == AUTO else [layout]
    found = {name: folder for name in names if (folder := LAYOUTS[name].find(root))}
    if len(found) > 1:
        raise ConfigError(
            f"{root} holds {' and '.join(found)}: name the layout to read."
        )
    if not found:
        expected = "; ".join(f"{name}: {LAYOUTS[name].expected}" for name in names)
        raise FlowError(f"{root} holds no flow pairs. Expected {expected}.")
    return next(iter(found.items()))
