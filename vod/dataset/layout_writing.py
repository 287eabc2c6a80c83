"""Write ground truth in the official ILSVRC2015 layout, complete or not at all."""

import re
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final
from xml.sax.saxutils import escape

import numpy as np

from vod.dataset.class_list import (
    CLASS_LIST,
    ClassList,
    class_list_text,
    name_classes,
    read_class_list,
)
from vod.dataset.list_files import FOLDERS
from vod.errors import AnnotationError, ConfigError, VideoError
from vod.ground_truth import GroundTruth

PlacePicture = Callable[[int, Path], None]
"""Put the picture of the frame at a position where the path says."""

_DECIMALS: Final = 3  # of a pixel, as in our result files
_SPLIT: Final = re.compile(r"[\w\-]+")


def write_layout(
    ground_truth: GroundTruth,
    root: Path,
    split: str = "val",
    *,
    place_picture: PlacePicture | None = None,
) -> None:
    """Write lists, annotations and, where asked for, pictures.

    Frames are numbered in their snippets by `frame_numbers`; a gap stays one. The index
    in the list is `frame_indices`. Boxes keep three decimals of a pixel. Spaces in the
    names of snippets become underscores, and so does the slash of `train/<snippet>`.
    Classes that are not the official 30 are listed in `ImageSets/VID/classes.txt`.

    Everything is first written beside `root` and then moved, the list last: a set
    without a list was not finished. A second split may be added to a root.

    Raises:
        AnnotationError: names that the layout cannot hold, or other classes than those
            of the splits that are there.
        ConfigError: a split's name that cannot be a file's.
        VideoError: something cannot be written, or the split is there already.
    """
    classes = name_classes(ground_truth.classes)
    names = _frame_names(ground_truth, split)
    _check_target(root, split, classes)
    with _beside(root) as folder:
        annotations = folder / "Annotations" / "VID" / split
        _write_annotations(ground_truth, classes, names, annotations)
        pictures = folder / "Data" / "VID" / split
        pictures.mkdir(parents=True)
        if place_picture is not None:
            for frame, name in enumerate(names):
                target = pictures / f"{name}.JPEG"
                target.parent.mkdir(parents=True, exist_ok=True)
                place_picture(frame, target)
        indices = ground_truth.frame_indices.tolist()
        lines = (f"{n} {i}\n" for n, i in zip(names, indices, strict=True))
        lists = folder / "ImageSets" / "VID"
        lists.mkdir(parents=True)
        (lists / f"{split}.txt").write_text("".join(lines), encoding="utf-8")
        if not classes.is_official:
            (folder / CLASS_LIST).write_text(class_list_text(classes), encoding="utf-8")
        _move(folder, root, split)


def _frame_names(ground_truth: GroundTruth, split: str) -> list[str]:
    """Give `<snippet>/<number>` of every frame."""
    snippets = [_snippet_name(name, split) for name in ground_truth.snippets]
    for name in snippets:
        path = PurePosixPath(name)
        usual = path.parts and not path.is_absolute() and ".." not in path.parts
        if not usual or str(path) != name:
            raise AnnotationError(
                f"'{name}' cannot name a snippet; a folder's name was expected."
            )
    numbers = ground_truth.frame_numbers.tolist()
    owners = ground_truth.frame_snippets.tolist()
    names = [
        f"{snippets[owner]}/{number:06d}"
        for owner, number in zip(owners, numbers, strict=True)
    ]
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise AnnotationError(f"two frames would be named {twice}; rename one.")
    return names


def _snippet_name(name: str, split: str) -> str:
    """Give a name without spaces that no reader takes for a split's folder."""
    name = "_".join(name.split())
    first, _, rest = name.partition("/")
    return f"{first}_{rest}" if rest and first in (*FOLDERS, split) else name


def _check_target(root: Path, split: str, classes: ClassList) -> None:
    if not _SPLIT.fullmatch(split) or split == Path(CLASS_LIST).stem:
        raise ConfigError(f"'{split}' cannot name a split; train or val, for example.")
    if root.exists() and not root.is_dir():
        raise VideoError(f"cannot write {root}: it is a file, name a folder.")
    for taken in _parts(split):
        if (root / taken).exists():
            raise VideoError(
                f"cannot write {root / taken}: it is there already. Name another "
                "folder or split, or remove it."
            )
    if any((root / "ImageSets" / "VID").glob("*.txt")):
        present = read_class_list(root)
        if present != classes:
            raise AnnotationError(
                f"{root} has the classes {', '.join(present.names[:5])}, ... and the "
                f"new split has {', '.join(classes.names[:5])}, ...; write it to "
                "another folder."
            )


def _parts(split: str) -> list[Path]:
    """Give what a split consists of, the list last."""
    folders = [Path("Data/VID", split), Path("Annotations/VID", split)]
    return [*folders, Path("ImageSets/VID", f"{split}.txt")]


@contextmanager
def _beside(root: Path) -> Iterator[Path]:
    """Give a new folder beside `root`, which is removed at the end."""
    folder = root.resolve().with_name(f".{secrets.token_hex(6)}.part")
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        if isinstance(error, VideoError):
            raise
        raise VideoError(f"cannot write {root}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move(folder: Path, root: Path, split: str) -> None:
    moved = [Path(CLASS_LIST)] if (folder / CLASS_LIST).exists() else []
    for part in [*moved, *_parts(split)]:
        (root / part).parent.mkdir(parents=True, exist_ok=True)
        (folder / part).replace(root / part)


def _write_annotations(
    ground_truth: GroundTruth, classes: ClassList, names: list[str], folder: Path
) -> None:
    objects = _object_texts(ground_truth, classes)
    frames = np.arange(ground_truth.num_frames + 1)
    first = np.searchsorted(ground_truth.object_frames, frames).tolist()
    sizes = ground_truth.frame_sizes.tolist()
    made = ""
    folder.mkdir(parents=True)
    for frame, name in enumerate(names):
        snippet, _, number = name.rpartition("/")
        if snippet != made:
            (folder / snippet).mkdir(parents=True, exist_ok=True)
            made = snippet
        height, width = sizes[frame]
        text = (
            f"<annotation>\n\t<folder>{escape(snippet)}</folder>\n"
            f"\t<filename>{number}</filename>\n"
            "\t<source>\n\t\t<database>ILSVRC_2015</database>\n\t</source>\n"
            f"\t<size>\n\t\t<width>{width}</width>\n\t\t<height>{height}</height>\n"
            f"\t</size>\n{''.join(objects[first[frame] : first[frame + 1]])}"
            "</annotation>\n"
        )
        (folder / f"{name}.xml").write_bytes(text.encode())


def _object_texts(ground_truth: GroundTruth, classes: ClassList) -> list[str]:
    ids = [escape(one) for one in classes.ids]
    columns = (
        ground_truth.track_ids.tolist(),
        ground_truth.labels.tolist(),
        ground_truth.boxes.round(_DECIMALS).tolist(),
        ground_truth.occluded.tolist(),
        ground_truth.generated.tolist(),
    )
    texts = []
    for track, label, (xmin, ymin, xmax, ymax), *flags in zip(*columns, strict=True):
        occluded, generated = map(int, flags)
        texts.append(
            f"\t<object>\n\t\t<trackid>{track}</trackid>\n\t\t<name>{ids[label]}</name>\n"
            f"\t\t<bndbox>\n\t\t\t<xmax>{_text(xmax)}</xmax>\n"
            f"\t\t\t<xmin>{_text(xmin)}</xmin>\n\t\t\t<ymax>{_text(ymax)}</ymax>\n"
            f"\t\t\t<ymin>{_text(ymin)}</ymin>\n\t\t</bndbox>\n"
            f"\t\t<occluded>{occluded}</occluded>\n"
            f"\t\t<generated>{generated}</generated>\n\t</object>\n"
        )
    return texts


def _text(side: float) -> str:
    """Write whole numbers as the official files do, which some readers rely on."""
    return str(int(side)) if side.is_integer() else repr(side)
