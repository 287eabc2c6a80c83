"""Read COCO json and COCO-VID json as ground truth.

COCO-VID, as mmtracking writes it, adds `videos` to a COCO file, `video_id` and
`frame_id` to its images and `instance_id` (or `track_id`) to its annotations. A picture
without `video_id` is a video of its own.

COCO's boxes keep their numbers: xmax = x + width (see `GroundTruth.category_ids`).
Crowd regions (`iscrowd`) are left out.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from vod.errors import AnnotationError
from vod.ground_truth import BoolArray, DoubleArray, GroundTruth
from vod.types import IntArray

logger = logging.getLogger(__name__)

UNKNOWN_TRACK: Final = -1
# Where pictures lie, seen from the json: beside it, or as COCO and mmtracking have it.
_IMAGE_FOLDERS: Final = (".", "..", "../Data/VID", "../Data/DET", "images", "../images")

Items = Sequence[Mapping[str, Any]]


def read_coco(path: Path, split: str | None = None) -> GroundTruth:
    """Read one json file.

    Args:
        path: the file.
        split: keep the images that carry it as `split`. Files whose images carry none,
            which is the rule, are read as a whole.

    Raises:
        AnnotationError: naming the file and what is wrong with it.
    """
    content = _load(path)
    try:
        return _ground_truth(content, path, split)
    except AnnotationError:
        raise
    except KeyError as error:
        raise AnnotationError(
            f"{path}: an image, annotation, category or video lacks {error}."
        ) from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise AnnotationError(
            f"{path} is not a COCO json of boxes: {error}."
        ) from error


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise AnnotationError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise AnnotationError(f"{path} is not JSON: {error}.") from error
    needed = ("images", "annotations", "categories")
    lists = content if isinstance(content, dict) else {}
    if not all(isinstance(lists.get(key), list) for key in needed):
        raise AnnotationError(
            f"{path} must be a COCO json with the lists {', '.join(needed)}."
        )
    return lists


def _ground_truth(
    content: Mapping[str, Any], path: Path, split: str | None
) -> GroundTruth:
    images = _images(content["images"], path, split)
    category_ids = tuple(_ids(content["categories"], path, "categories"))
    position = {number: i for i, number in enumerate(_ids(images, path, "images"))}
    objects = _objects(content, path, position)
    names, frame_snippets, frame_numbers = _videos(images, content.get("videos") or [])
    sizes = [(image.get("height") or 0, image.get("width") or 0) for image in images]
    return GroundTruth(
        classes=tuple(str(category["name"]) for category in content["categories"]),
        snippets=names,
        frame_snippets=frame_snippets,
        frame_numbers=frame_numbers,
        frame_indices=np.array(list(position), np.int64),
        frame_sizes=np.array(sizes, np.int32).reshape(-1, 2),
        image_names=tuple(str(image["file_name"]) for image in images),
        image_root=_image_root(path, images),
        object_frames=np.array([position[o["image_id"]] for o in objects], np.int32),
        boxes=_boxes(objects, path),
        labels=_labels(objects, category_ids, path),
        track_ids=_tracks(objects),
        occluded=_flags(objects, "occluded"),
        generated=_flags(objects, "generated"),
        category_ids=category_ids,
    )


def _images(images: Items, path: Path, split: str | None) -> Items:
    if split is not None and any("split" in image for image in images):
        chosen = [image for image in images if image.get("split") == split]
        if not chosen:
            known = sorted({str(image.get("split")) for image in images})
            raise AnnotationError(
                f"{path} has no image of split '{split}'; its splits are "
                f"{', '.join(known)}."
            )
        return chosen
    if not images:
        raise AnnotationError(f"{path} lists no image.")
    return images


def _ids(items: Items, path: Path, what: str) -> list[int]:
    ids = [item["id"] for item in items]
    if not all(isinstance(number, int) for number in ids):
        raise AnnotationError(f"{path}: every id of {what} must be a whole number.")
    if len(set(ids)) < len(ids):
        twice = next(number for i, number in enumerate(ids) if number in ids[:i])
        raise AnnotationError(f"{path}: two of its {what} have the id {twice}.")
    return ids


def _objects(
    content: Mapping[str, Any], path: Path, position: Mapping[int, int]
) -> list[Mapping[str, Any]]:
    """Give the objects of the chosen images by image, in the order of the file."""
    everywhere = {image["id"] for image in content["images"]}
    for item in content["annotations"]:
        if item["image_id"] not in everywhere:
            raise AnnotationError(
                f"{path}: annotation {item.get('id')} is of image {item['image_id']}, "
                "which the file lacks."
            )
    chosen = [item for item in content["annotations"] if item["image_id"] in position]
    objects = [item for item in chosen if not item.get("iscrowd")]
    if len(objects) < len(chosen):
        crowds = len(chosen) - len(objects)
        logger.warning("%s: %d crowd regions are left out.", path, crowds)
    return sorted(objects, key=lambda item: position[item["image_id"]])


def _boxes(objects: Items, path: Path) -> DoubleArray:
    boxes = np.zeros((len(objects), 4))
    for row, item in enumerate(objects):
        box = item["bbox"]
        try:
            boxes[row] = box
            usable = len(box) == 4 and min(box[2:]) >= 0
        except (TypeError, ValueError):
            usable = False
        if not usable or not np.isfinite(boxes[row]).all():
            raise AnnotationError(
                f"{path}: annotation {item.get('id')} needs bbox [x, y, width, height] "
                f"of finite numbers, received {box}."
            )
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _labels(objects: Items, category_ids: Sequence[int], path: Path) -> IntArray:
    label_of = {number: label for label, number in enumerate(category_ids)}
    for item in objects:
        if item["category_id"] not in label_of:
            raise AnnotationError(
                f"{path}: annotation {item.get('id')} has category_id "
                f"{item['category_id']}, which is not among the categories."
            )
    return np.array([label_of[item["category_id"]] for item in objects], np.int32)


def _tracks(objects: Items) -> IntArray:
    tracks = [o.get("instance_id", o.get("track_id")) for o in objects]
    known = [UNKNOWN_TRACK if track is None else int(track) for track in tracks]
    return np.array(known, np.int32)


def _flags(objects: Items, key: str) -> BoolArray:
    return np.array([bool(item.get(key)) for item in objects], np.bool_)


def _videos(images: Items, videos: Items) -> tuple[tuple[str, ...], IntArray, IntArray]:
    """Give the videos' names and every image's video and number in it."""
    name_of = {video["id"]: str(video["name"]) for video in videos}
    position: dict[str, int] = {}
    counts: dict[str, int] = {}
    snippets, numbers = [], []
    for image in images:
        if name_of and "video_id" in image:
            name = name_of[image["video_id"]]
        else:
            name = str(image["file_name"])
        snippets.append(position.setdefault(name, len(position)))
        numbers.append(int(image.get("frame_id", counts.get(name, 0))))
        counts[name] = counts.get(name, 0) + 1
    return (
        tuple(position),
        np.array(snippets, np.int32),
        np.array(numbers, np.int32),
    )


def _image_root(path: Path, images: Items) -> Path:
    name = str(images[0]["file_name"])
    folders = [path.parent / folder for folder in _IMAGE_FOLDERS]
    return next((f for f in folders if (f / name).is_file()), path.parent)
