"""Raw material of the synthetic flow pairs: patches of photographs and silhouettes."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from vod.errors import FlowError
from vod.types import ByteArray, FloatArray

logger = logging.getLogger(__name__)

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
        FlowError: a folder without images, or an image that cannot be decoded.
    """
    paths = list_images(folders)
    order = np.random.default_rng(seed).permutation(len(paths))[:limit]
    images = [_decode(paths[i], longest_side) for i in order]
    logger.info("textures from %d of %d images", len(images), len(paths))
    return TextureBank(images)


class TextureBank:
    """Photographs in memory, to cut patches from; see `read_textures`."""

    def __init__(self, images: Sequence[ByteArray]) -> None:
        """Take the photographs.

        Args:
            images: at least one, `(H, W, 3)` uint8 RGB, sizes may differ.

        Raises:
            FlowError: there is none.
        """
        if not len(images):
            raise FlowError("textures need at least one photograph, received none.")
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def patch(
        self, rng: np.random.Generator, height: int, width: int, *, zoom: float
    ) -> ByteArray:
        """Cut a random part of a random photograph and resize it.

        Args:
            rng: source of chance.
            height: rows to give.
            width: columns to give.
            zoom: photograph pixels a given pixel, before a random aspect squash; made
                smaller where the photograph is too small.

        Returns:
            `(height, width, 3)` uint8 RGB, mirrored half of the time.
        """
        image = self._images[int(rng.integers(len(self._images)))]
        # 16:9 video squashed to a square has aspect 0.56.
        squash = float(np.exp(rng.uniform(np.log(0.56), np.log(1.5)))) ** 0.5
        rows = min(max(int(height * zoom * squash), 8), image.shape[0])
        columns = min(max(int(width * zoom / squash), 8), image.shape[1])
        top = rng.integers(image.shape[0] - rows + 1)
        left = rng.integers(image.shape[1] - columns + 1)
        part = image[top : top + rows, left : left + columns]
        if rng.random() < 0.5:
            part = part[:, ::-1]
        shrinks = rows * columns > height * width
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        patch: ByteArray = cv2.resize(part, (width, height), interpolation=how)
        return patch


def _decode(path: Path, longest_side: int) -> ByteArray:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FlowError(f"{path} cannot be decoded as an image. Remove or mend it.")
    scale = longest_side / max(bgr.shape[:2])
    if scale < 1:
        size = (
            max(1, round(bgr.shape[1] * scale)),
            max(1, round(bgr.shape[0] * scale)),
        )
        bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
    rgb: ByteArray = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return rgb


def silhouette(rng: np.random.Generator, height: int, width: int) -> FloatArray:
    """Draw a random solid shape: a smooth blob, a polygon or an ellipse.

    Returns:
        `(height, width)` float32 opacity in [0, 1] with a soft edge about a pixel wide;
        the outermost cells are 0.
    """
    kind = rng.choice(["blob", "blob", "polygon", "ellipse"])
    if kind == "polygon":
        count = int(rng.integers(3, 9))
        angles = np.sort(rng.uniform(0, 2 * np.pi, count))
        radii = rng.uniform(0.45, 1.0, count)
    else:
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        radii = np.ones(48)
    if kind == "blob":
        for wave in range(1, 6):
            size = rng.normal(0, 0.35) / wave
            radii += size * np.cos(wave * angles + rng.uniform(0, 2 * np.pi))
        radii = np.maximum(radii, 0.15)
        radii /= radii.max()
    points = np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None]
    half = np.array([width / 2 - 2, height / 2 - 2])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    # fillPoly takes coordinates in sixteenths of a pixel with shift=4.
    corners = np.round((points * half + centre) * 16).astype(np.int32)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [corners], 255, lineType=cv2.LINE_AA, shift=4)
    # Anti-aliasing may reach beyond the corners.
    mask[[0, -1]] = 0
    mask[:, [0, -1]] = 0
    opacity: FloatArray = mask.astype(np.float32) / np.float32(255)
    return opacity
