"""Pictures and pairs whose flow is known by construction."""

from pathlib import Path

import cv2
import numpy as np

from flow.flo import write_flo
from vod.types import ByteArray

HEIGHT, WIDTH = 96, 128


def shifted_pictures(u: int, v: int, *, seed: int = 0) -> tuple[ByteArray, ByteArray]:
    """Give two pictures; what is at p in the first is at p + (u, v) in the second."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (20, 24, 3)).astype(np.float32)
    world = cv2.resize(coarse, (200, 160), interpolation=cv2.INTER_CUBIC)
    world = np.clip(world, 0, 255).astype(np.uint8)
    first = world[20 : 20 + HEIGHT, 20 : 20 + WIDTH]
    second = world[20 - v : 20 - v + HEIGHT, 20 - u : 20 - u + WIDTH]
    return first, second


def write_picture(path: Path, rgb: ByteArray) -> Path:
    """Write a picture as its name's ending says."""
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    return path


def write_pairs(folder: Path, **motions: tuple[int, int]) -> Path:
    """Write a pair for every motion, called like it, in the layout chairs-examples."""
    for name, (u, v) in motions.items():
        first, second = shifted_pictures(u, v)
        write_picture(folder / f"{name}-img0.png", first)
        write_picture(folder / f"{name}-img1.png", second)
        flow = np.broadcast_to(np.float32((u, v)), (HEIGHT, WIDTH, 2))
        write_flo(folder / f"{name}-gt.flo", flow)
    return folder
