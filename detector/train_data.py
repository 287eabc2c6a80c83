"""Batches for training: pictures, with or without boxes, and what to learn there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

from detector.box_coding import encode_boxes
from detector.evaluate import category_labels, read_coco, read_picture
from detector.train_augment import (
    AugmentConfig,
    cut_window,
    distort,
    move_boxes,
    random_window,
)
from vod.boxes import box_area, pairwise_iou
from vod.errors import ConfigError
from vod.preprocess import Preprocessing
from vod.types import FloatArray, IntArray

UNKNOWN: Final = 0
ABSENT: Final = 1
PRESENT: Final = 2
"""What the ground truth says of a class at an anchor."""

POSITIVE_IOU: Final = 0.5  # Liu et al., SSD, ECCV 2016, sec. 2.2
NEGATIVE_IOU: Final = 0.4
IGNORED_SHARE: Final = 0.5
PICTURES: Final = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """One picture.

    Attributes:
        path: the file.
        boxes: `(G, 4)` x1, y1, x2, y2 in its pixels.
        labels: `(G,)`; -1 for an object that is no class of the detector.
        annotated: `(C,)` bool, the classes whose objects were all marked.
    """

    path: Path
    boxes: FloatArray
    labels: IntArray
    annotated: npt.NDArray[np.bool_]


def read_stills(folder: Path, classes: Sequence[str], *, split: str) -> list[Sample]:
    """Read the pictures of a folder with a COCO `instances.json`.

    An image may name its `source`; a source annotates the categories that any of its
    images has, and of the others nothing is known there.
    """
    content = read_coco(folder / "instances.json", split=split)
    label_of = category_labels(content["categories"], classes)
    objects: dict[int, list[Any]] = {image["id"]: [] for image in content["images"]}
    for annotation in content["annotations"]:
        objects[annotation["image_id"]].append(annotation)
    annotated: dict[str, npt.NDArray[np.bool_]] = {}
    for image in content["images"]:
        known = annotated.setdefault(
            image.get("source", ""), np.zeros(len(classes), np.bool_)
        )
        for item in objects[image["id"]]:
            if item["category_id"] in label_of:
                known[label_of[item["category_id"]]] = True
    samples = []
    for image in content["images"]:
        items = objects[image["id"]]
        corners = np.array([item["bbox"] for item in items], np.float32).reshape(-1, 4)
        corners[:, 2:] += corners[:, :2]
        labels = [label_of.get(item["category_id"], -1) for item in items]
        samples.append(
            Sample(
                folder / image["file_name"],
                corners,
                np.array(labels, np.int32),
                annotated[image.get("source", "")],
            )
        )
    return samples


def read_unlabelled(folder: Path, class_count: int) -> list[Sample]:
    """Take every picture below a folder, as one of which nothing is known.

    Raises:
        ConfigError: there is none.
    """
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURES)
    if not paths:
        raise ConfigError(f"--unlabelled {folder} holds no .jpg or .png picture.")
    nothing = np.zeros(class_count, np.bool_)
    boxes, labels = np.zeros((0, 4), np.float32), np.zeros(0, np.int32)
    return [Sample(path, boxes, labels, nothing) for path in paths]


def assign(
    boxes: FloatArray,
    labels: IntArray,
    anchors: FloatArray,
    *,
    annotated: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.uint8], FloatArray]:
    """Say what the ground truth knows about each anchor.

    An anchor that overlaps an object by an IoU of 0.5, or is its best, has its class;
    one that overlaps none by 0.4 has no annotated class. Near an object of no class of
    ours (label -1) nothing is known.

    Args:
        boxes: `(G, 4)` with positive sides, in detector-input pixels.
        labels: `(G,)`, -1 for ignored.
        anchors: `(N, 4)` centre x, centre y, width, height.
        annotated: `(C,)`, see `Sample`.

    Returns:
        `(N, C)` of UNKNOWN, ABSENT, PRESENT, and the `(N, 4)` codes of each anchor's
        object, zero where no class is present.
    """
    centres, halves = anchors[:, :2], anchors[:, 2:] / 2
    corners = np.concatenate([centres - halves, centres + halves], axis=1)
    state = np.full((len(anchors), len(annotated)), UNKNOWN, np.uint8)
    codes = np.zeros((len(anchors), 4), np.float32)
    near = _near_ignored(corners, boxes[labels < 0])
    boxes, labels = boxes[labels >= 0], labels[labels >= 0]
    if not len(boxes):
        state[np.ix_(~near, annotated)] = ABSENT
        return state, codes
    iou = pairwise_iou(corners, boxes)
    near |= (iou >= NEGATIVE_IOU).any(axis=1)
    positive = iou >= POSITIVE_IOU
    positive[iou.argmax(axis=0), np.arange(len(boxes))] = True
    matched = positive.any(axis=1)
    state[np.ix_(matched | ~near, annotated)] = ABSENT
    rows, objects = np.nonzero(positive)
    state[rows, labels[objects]] = PRESENT
    owner = np.where(positive, iou, -1).argmax(axis=1)
    codes[matched] = encode_boxes(boxes[owner[matched]], anchors[matched])
    return state, codes


def _near_ignored(corners: FloatArray, ignored: FloatArray) -> npt.NDArray[np.bool_]:
    """Tell which anchors show an ignored object, or a part of one."""
    if not len(ignored):
        return np.zeros(len(corners), np.bool_)
    left_top = np.maximum(corners[:, None, :2], ignored[None, :, :2])
    right_bottom = np.minimum(corners[:, None, 2:], ignored[None, :, 2:])
    shared = np.prod(np.maximum(right_bottom - left_top, 0), axis=2)
    inside = shared > IGNORED_SHARE * box_area(corners)[:, None]
    over = pairwise_iou(corners, ignored) >= NEGATIVE_IOU
    near: npt.NDArray[np.bool_] = (inside | over).any(axis=1)
    return near


class DetectorBatches(keras.utils.PyDataset):
    """Batches of augmented pictures; the same seed and epoch give the same batches.

    Inputs: `clean` and `picture`, both `(B, H, W, 3)` normalised, the second with
    changed colours. Targets: `state` `(B, N, C)` uint8 and `codes` `(B, N, 4)`, as
    `assign` gives them.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        anchors: FloatArray,
        preprocessing: Preprocessing,
        *,
        augment: AugmentConfig,
        batch_size: int,
        seed: int,
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self.samples, self.anchors, self.preprocessing = samples, anchors, preprocessing
        self.augment, self.batch_size, self.seed = augment, batch_size, seed
        self.epoch = 0
        self._shuffle()

    def __len__(self) -> int:
        return len(self.samples) // self.batch_size

    def on_epoch_end(self) -> None:
        """Go on to the next epoch's order and chance."""
        self.start_at(self.epoch + 1)

    def start_at(self, epoch: int) -> None:
        """Give the batches of an epoch, 0-based, from now on."""
        self.epoch = epoch
        self._shuffle()

    def _shuffle(self) -> None:
        random = np.random.default_rng([self.seed, self.epoch])
        self._order = random.permutation(len(self.samples))

    def __getitem__(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
        first = index * self.batch_size
        chosen = self._order[first : first + self.batch_size]
        items = [
            self._item(
                self.samples[i], np.random.default_rng([self.seed, self.epoch, i])
            )
            for i in chosen
        ]
        clean, picture, state, codes = (
            np.stack(part) for part in zip(*items, strict=True)
        )
        return {"clean": clean, "picture": picture}, {"state": state, "codes": codes}

    def _item(self, sample: Sample, random: np.random.Generator) -> tuple[Any, ...]:
        height, width = self.preprocessing.height, self.preprocessing.width
        rgb = read_picture(sample.path)
        window = random_window(
            random, self.augment, height=rgb.shape[0], width=rgb.shape[1]
        )
        clean = cut_window(rgb, window, height=height, width=width)
        boxes, visible = move_boxes(sample.boxes, window, height=height, width=width)
        labels = np.where(visible >= self.augment.min_visible, sample.labels, -1)
        # What is cut to a line is no box to encode, nor worth ignoring.
        kept = ((boxes[:, 2:] - boxes[:, :2]) >= 2).all(1)
        state, codes = assign(
            boxes[kept],
            labels[kept].astype(np.int32),
            self.anchors,
            annotated=sample.annotated,
        )
        picture = distort(random, clean, self.augment)
        normalise = self.preprocessing.normalise
        return normalise(clean)[0], normalise(picture)[0], state, codes
