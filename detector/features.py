"""What travels between a detector's two halves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One map that a detector's first half hands to its second.

    Key-frame maps are what propagation warps, so each says its grid.

    Attributes:
        name: unique among the detector's maps; also the graph's input / output name.
        height: rows of the grid.
        width: columns of the grid.
        channels: values a cell.
        stride: detector-input pixels a cell (input width / grid width).
    """

    name: str
    height: int
    width: int
    channels: int
    stride: float


def halved(size: int, times: int) -> int:
    """Give a side after `times` layers of stride 2 with SAME padding."""
    for _ in range(times):
        size = -(-size // 2)
    return size
