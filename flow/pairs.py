"""Pairs of pictures with measured flow, in the layouts of Flying Chairs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2

from flow.flo import read_flo
from vod.errors import FlowError
from vod.types import ByteArray, FloatArray

LAYOUTS: Final = (
    ("-img0.png", "-img1.png", "-gt.flo"),  # as packed by several mirrors
    ("_img1.ppm", "_img2.ppm", "_flow.flo"),  # the official archive
)
"""Endings of the current picture, the key picture and the flow between them."""


@dataclass(frozen=True, slots=True)
class PairFiles:
    """Files of one pair; the flow goes from `current` to `key`."""

    name: str
    current: Path
    key: Path
    flow: Path

    def read(self) -> tuple[ByteArray, ByteArray, FloatArray]:
        """Give `(H, W, 3)` uint8 RGB twice and `(H, W, 2)` float32 pixels.

        Raises:
            FlowError: a file cannot be read, or the three sizes differ.
        """
        current, key = _read_rgb(self.current), _read_rgb(self.key)
        flow = read_flo(self.flow)
        if not current.shape[:2] == key.shape[:2] == flow.shape[:2]:
            raise FlowError(
                f"pair {self.name}: sizes differ: {self.current.name} "
                f"{current.shape[:2]}, {self.key.name} {key.shape[:2]}, "
                f"{self.flow.name} {flow.shape[:2]}."
            )
        return current, key, flow


def find_pairs(folder: Path) -> list[PairFiles]:
    """List the pairs of a folder, by name.

    Raises:
        FlowError: no such folder, no pair in it, or a pair with a file missing.
    """
    if not folder.is_dir():
        raise FlowError(f"flow data folder {folder} does not exist.")
    pairs = []
    for current_end, key_end, flow_end in LAYOUTS:
        for flow in sorted(folder.glob(f"*{flow_end}")):
            name = flow.name.removesuffix(flow_end)
            pair = PairFiles(
                name, folder / f"{name}{current_end}", folder / f"{name}{key_end}", flow
            )
            for path in (pair.current, pair.key):
                if not path.is_file():
                    raise FlowError(f"{flow} has no picture {path.name} beside it.")
            pairs.append(pair)
    if not pairs:
        layouts = " or ".join(", ".join(f"*{end}" for end in ends) for ends in LAYOUTS)
        raise FlowError(f"{folder} holds no flow pairs. Expected files {layouts}.")
    return pairs


def _read_rgb(path: Path) -> ByteArray:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FlowError(f"{path} cannot be decoded as an image.")
    rgb: ByteArray = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return rgb
