"""Silhouettes from photographs: what differs from the photograph's border."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from vod.types import ByteArray, FloatArray

SIDE: Final = 96
"""Longest side of the copy in which a silhouette is sought."""

COLOURS: Final = 4
"""Colours that stand for a photograph's border."""

AREA: Final = (0.04, 0.6)
"""Least and greatest share of a photograph that a silhouette may cover."""


def cut_out(photograph: ByteArray) -> ByteArray | None:
    """Cut the largest thing that differs from the border out of a photograph.

    The saliency of a pixel is the distance of its colour to the nearest of the border's
    colours; the threshold is Otsu's; GrabCut (Rother et al., SIGGRAPH 2004) then draws
    the edge. The same photograph always gives the same silhouette.

    Args:
        photograph: `(H, W, 3)` uint8 RGB.

    Returns:
        `(h, w, 4)` uint8 just around the silhouette: colours already multiplied by
        opacity, and opacity; the outermost cells are 0. None where nothing stands out.
    """
    scale = SIDE / max(photograph.shape[:2])
    size = tuple(max(8, round(side * scale)) for side in photograph.shape[1::-1])
    small = cv2.resize(photograph, size, interpolation=cv2.INTER_AREA)
    mask = _largest(_salient(small))
    if mask is None:
        return None
    mask = _largest(_refined(small, mask))
    if mask is None:
        return None
    return _lifted(photograph, mask)


def _salient(small: ByteArray) -> ByteArray:
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2Lab).astype(np.float32)
    band = 4
    border = np.concatenate(
        [
            lab[:band].reshape(-1, 3),
            lab[-band:].reshape(-1, 3),
            lab[:, :band].reshape(-1, 3),
            lab[:, -band:].reshape(-1, 3),
        ]
    )
    gaps = np.stack([np.square(lab - c).sum(-1) for c in _palette(border)])
    saliency = cv2.GaussianBlur(np.sqrt(gaps.min(0)), (0, 0), 1.5)
    levels = cv2.normalize(saliency, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    _, mask = cv2.threshold(levels, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    opened: ByteArray = cv2.morphologyEx(
        mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)
    )
    return opened


def _palette(colours: FloatArray) -> FloatArray:
    """Give a few colours for many by k-means, from starts that are no chance."""
    order = np.argsort(colours[:, 0], kind="stable")
    starts = (np.arange(COLOURS) * 2 + 1) * len(order) // (2 * COLOURS)
    centres = colours[order[starts]]
    for _ in range(5):
        gaps = np.square(colours[:, None] - centres[None]).sum(-1)
        nearest = gaps.argmin(1)
        for index in range(COLOURS):
            mine = colours[nearest == index]
            if len(mine):
                centres[index] = mine.mean(0)
    return centres


def _largest(mask: ByteArray) -> ByteArray | None:
    """Keep the largest connected region; None where it is no likely object."""
    count, labels, figures, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return None
    best = 1 + int(figures[1:, cv2.CC_STAT_AREA].argmax())
    region = (labels == best).astype(np.uint8)
    on_border = region[0].sum() + region[-1].sum()
    on_border += region[:, 0].sum() + region[:, -1].sum()
    share = region.mean()
    if not AREA[0] <= share <= AREA[1] or on_border > 0.25 * sum(mask.shape) * 2:
        return None
    return region


def _refined(small: ByteArray, mask: ByteArray) -> ByteArray:
    kernel = np.ones((3, 3), np.uint8)
    guess = np.where(mask, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    guess[cv2.erode(mask, kernel, iterations=4) > 0] = cv2.GC_FGD
    guess[cv2.dilate(mask, kernel, iterations=8) == 0] = cv2.GC_BGD
    if not ((guess == cv2.GC_BGD) | (guess == cv2.GC_PR_BGD)).any():
        return mask
    cv2.setRNGSeed(0)
    inside, outside = np.zeros((1, 65)), np.zeros((1, 65))
    mode = cv2.GC_INIT_WITH_MASK
    cv2.grabCut(small, guess, None, outside, inside, 2, mode)  # type: ignore[call-overload]
    return ((guess == cv2.GC_FGD) | (guess == cv2.GC_PR_FGD)).astype(np.uint8)


def _lifted(photograph: ByteArray, mask: ByteArray) -> ByteArray:
    height, width = photograph.shape[:2]
    smooth = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)
    large = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR)
    # An edge about two pixels wide, half a cell of the small mask inwards: there, the
    # photograph's background would show.
    sharp = max(width, height) / SIDE / 1.5
    opacity = np.clip((large - 0.6) * sharp + 0.5, 0, 1)
    rows, columns = (np.flatnonzero(opacity.max(axis) > 0) for axis in (1, 0))
    box: npt.NDArray[np.float32] = opacity[
        rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1
    ]
    colour = photograph[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    whole = np.dstack([colour * box[..., None], box * 255])
    lifted = np.pad(np.rint(whole).astype(np.uint8), ((1, 1), (1, 1), (0, 0)))
    return lifted
