"""Raw material of the synthetic flow pairs: photographs and parts of them."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from flow.synthetic.cutouts import cut_out
from vod.errors import FlowError
from vod.types import ByteArray

logger = logging.getLogger(__name__)

LEVELS: Final = 4
"""Copies of a photograph, each of half the side of the one before."""

LEAST_IMAGES: Final = 2

LEAST_SIDE: Final = 8
"""Pixels of the smallest usable photograph's sides."""

IMAGE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png"})


def list_images(folders: Sequence[Path]) -> list[Path]:
    """Give every jpg, jpeg and png below the folders, in a stable order.

    Raises:
        FlowError: a folder does not exist or holds no image.
    """
    found: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise FlowError(f"image folder {folder} does not exist.")
        images = [p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES]
        if not images:
            raise FlowError(
                f"{folder} holds no .jpg, .jpeg or .png image at any depth."
            )
        found.extend(sorted(images))
    return found


def read_textures(
    folders: Sequence[Path], *, limit: int, longest_side: int, seed: int
) -> "TextureBank":
    """Decode a random `limit` of the images below some folders.

    Args:
        folders: searched at every depth.
        limit: most images to keep (a 512-pixel one takes about 0.6 MB).
        longest_side: larger images are shrunk to this many pixels.
        seed: picks the images.

    Raises:
        FlowError: a folder without images, fewer than two in all, or an image that
            cannot be decoded or is too small.
    """
    paths = list_images(folders)
    if len(paths) < LEAST_IMAGES:
        raise FlowError(
            f"{', '.join(map(str, folders))} holds {len(paths)} image, at least "
            f"{LEAST_IMAGES} are needed: what moves must differ from what is behind "
            "it, and only hundreds make pairs worth training on."
        )
    order = np.random.default_rng(seed).permutation(len(paths))[:limit]
    images = [_decode(paths[i], longest_side) for i in order]
    logger.info("textures from %d of %d images", len(images), len(paths))
    return TextureBank(images)


class TextureBank:
    """Photographs in memory, to cut layers from; see `read_textures`.

    Attributes:
        levels: of each photograph, and its copies of half the side each.
    """

    def __init__(self, images: Sequence[ByteArray]) -> None:
        """Take the photographs.

        Args:
            images: at least one, `(H, W, 3)` uint8 RGB, sizes may differ.

        Raises:
            FlowError: there is none.
        """
        if not len(images):
            raise FlowError("textures need at least one photograph, received none.")
        self.levels = [pyramid(image) for image in images]
        self._cutouts: dict[int, list[ByteArray]] = {}

    def __len__(self) -> int:
        return len(self.levels)

    def patch(
        self, rng: np.random.Generator, height: int, width: int, *, zoom: float
    ) -> ByteArray:
        """Cut a random part of a random photograph, to be stretched to a size.

        Args:
            rng: source of chance.
            height: rows that the part will be stretched to.
            width: columns that it will be stretched to.
            zoom: photograph pixels a pixel after that, before a random aspect squash;
                made smaller where the photograph is too small.

        Returns:
            `(h, w, 3)` uint8 RGB, mirrored half of the time. Taken from a copy of the
            photograph of so many pixels that stretching neither skips many nor makes up
            many.
        """
        levels = self.levels[int(rng.integers(len(self.levels)))]
        # 16:9 video squashed to a square has aspect 0.56.
        squash = float(np.exp(rng.uniform(np.log(0.56), np.log(1.5)))) ** 0.5
        full = levels[0]
        rows = min(max(height * zoom * squash, 8), full.shape[0])
        columns = min(max(width * zoom / squash, 8), full.shape[1])
        level = _level(rows * columns / (height * width), len(levels))
        image, half = levels[level], 0.5**level
        rows, columns = max(int(rows * half), 2), max(int(columns * half), 2)
        top = rng.integers(max(image.shape[0] - rows, 0) + 1)
        left = rng.integers(max(image.shape[1] - columns, 0) + 1)
        part = image[top : top + rows, left : left + columns]
        return part[:, ::-1] if rng.random() < 0.5 else part

    def cutout(self, rng: np.random.Generator, side: int) -> ByteArray | None:
        """Give something cut out of a random photograph; see `flow.synthetic.cutouts`.

        Args:
            rng: source of chance.
            side: the longest side that it will be shown at; it comes with 0.7 to 1.4
                times as many pixels, or with fewer where the photograph has no more.

        Returns:
            `(h, w, 4)` uint8, colours already multiplied by opacity. None where nothing
            stands out in the photograph.
        """
        number = int(rng.integers(len(self.levels)))
        if number not in self._cutouts:
            lifted = cut_out(self.levels[number][0])
            self._cutouts[number] = [] if lifted is None else pyramid(lifted)
        levels = self._cutouts[number]
        if not levels:
            return None
        return levels[_level((max(levels[0].shape) / side) ** 2, len(levels))]


def pyramid(image: ByteArray) -> list[ByteArray]:
    """Give the picture, and copies of half the side each, averaged."""
    levels = [image]
    while len(levels) < LEVELS and min(levels[-1].shape[:2]) >= 32:
        height, width = levels[-1].shape[:2]
        size = (width // 2, height // 2)
        levels.append(cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA))
    return levels


def _level(pixels: float, count: int) -> int:
    """Give the level with about one pixel for each shown, `pixels` times fewer."""
    return int(np.clip(round(np.log2(max(pixels, 1)) / 2), 0, count - 1))


def _decode(path: Path, longest_side: int) -> ByteArray:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FlowError(f"{path} cannot be decoded as an image. Remove or mend it.")
    if min(bgr.shape[:2]) < LEAST_SIDE:
        raise FlowError(
            f"{path} has {bgr.shape[0]} x {bgr.shape[1]} pixels, at least "
            f"{LEAST_SIDE} x {LEAST_SIDE} are needed. Remove it."
        )
    scale = longest_side / max(bgr.shape[:2])
    if scale < 1:
        size = (
            max(1, round(bgr.shape[1] * scale)),
            max(1, round(bgr.shape[0] * scale)),
        )
        bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
    rgb: ByteArray = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return rgb
