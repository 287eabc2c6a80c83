"""What a runnable network is to the rest of the program: arrays in, arrays out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vod.errors import ShapeError
from vod.sizes import Size
from vod.types import FloatArray

Graph = Callable[..., tuple[FloatArray, ...]]
"""Takes one array an input and gives one array an output, in the graph's own order."""

Shape = tuple[int, ...]


def resized_shape(shape: Sequence[int], size: Size) -> Shape:
    """Give the `(B, H, W, C)` shape of an input at another height and width.

    Raises:
        ValueError: the input is not of such a shape.
    """
    batch, _, _, channels = map(int, shape)
    return batch, *size, channels


def at_size(size: Size | None) -> str:
    """Give the end of a sentence about a graph at a size; empty at its own."""
    return "" if size is None else f" at {size[0]}x{size[1]}"


@dataclass(frozen=True, slots=True)
class GraphInputs:
    """What a graph takes.

    Attributes:
        shapes: one an input, in the graph's order.
        dtypes: likewise: float32, or uint8 where pixels go in as they are.
    """

    shapes: list[Shape]
    dtypes: list[np.dtype[Any]]

    def check(self, file: str, arrays: Sequence[npt.NDArray[Any]]) -> None:
        """Check arrays that are to go in; another precision of the same kind is fine.

        Args:
            file: name of the graph, for the message.
            arrays: one an input.

        Raises:
            ShapeError: one is missing, or of another shape or kind of number.
        """
        shapes = [array.shape for array in arrays]
        if shapes != self.shapes:
            raise ShapeError(f"{file} takes inputs {self.shapes}, received {shapes}.")
        for dtype, array in zip(self.dtypes, arrays, strict=True):
            if array.dtype.kind != dtype.kind:
                raise ShapeError(
                    f"{file} takes {dtype} values, received {array.dtype}."
                )

    def prepared(
        self, file: str, arrays: Sequence[npt.NDArray[Any]]
    ) -> list[npt.NDArray[Any]]:
        """Check arrays and give them as a runtime wants them: its type, in one piece.

        What already is so is not copied.
        """
        self.check(file, arrays)
        return [
            np.ascontiguousarray(array, dtype)
            for dtype, array in zip(self.dtypes, arrays, strict=True)
        ]


class LoadedGraph(Protocol):
    """A graph file, ready to run.

    Attributes:
        path: the file.
        inputs: shapes and types that it takes.
        output_shapes: one an output, in the graph's order.
    """

    path: Path
    inputs: GraphInputs
    output_shapes: list[Shape]

    def __call__(self, *inputs: npt.NDArray[Any]) -> tuple[FloatArray, ...]:
        """Run the graph; the outputs are arrays that later calls do not touch.

        Raises:
            ShapeError: an input is missing, or of another shape or kind of number.
        """
        ...

    @property
    def input_shapes(self) -> list[Shape]:
        """Give one shape an input, in the graph's order."""
        ...
