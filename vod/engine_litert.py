"""The engine LiteRT: `.tflite` graphs on XNNPACK."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from vod.errors import WeightsError
from vod.graph import GraphInputs, Shape, at_size, resized_shape
from vod.sizes import Size
from vod.types import FloatArray


@contextmanager
def native_log_muted() -> Iterator[None]:
    """Keep what native libraries say of themselves off stderr; they have no switch.

    Errors still arrive as exceptions.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


class LiteRtGraph:
    """One `.tflite` file in LiteRT's interpreter (XNNPACK, static shapes).

    Attributes:
        path: the file.
        inputs: shapes and types that it takes.
        output_shapes: one shape an output, in the graph's order.
    """

    def __init__(
        self, path: Path, *, threads: int = 2, input_size: Size | None = None
    ) -> None:
        self.path = path
        try:
            with native_log_muted():
                self._interpreter = Interpreter(str(path), num_threads=threads)
                if input_size is not None:
                    _resize(self._interpreter, input_size)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, OSError) as error:
            raise WeightsError(
                f"{path} is not a runnable .tflite graph{at_size(input_size)}."
            ) from error
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        # Each gives a view of the input's memory. None may be alive while the graph
        # runs, so they are asked for call by call.
        self._views = [self._interpreter.tensor(detail["index"]) for detail in inputs]
        self._output_indices = [detail["index"] for detail in outputs]
        self.inputs = GraphInputs(
            [tuple(map(int, detail["shape"])) for detail in inputs],
            [np.dtype(detail["dtype"]) for detail in inputs],
        )
        self.output_shapes: list[Shape] = [
            tuple(map(int, detail["shape"])) for detail in outputs
        ]

    @property
    def input_shapes(self) -> list[Shape]:
        """Give one shape an input, in the graph's order."""
        return self.inputs.shapes

    def __call__(self, *inputs: npt.NDArray[Any]) -> tuple[FloatArray, ...]:
        """Run the graph; the outputs are copies that later calls do not touch.

        Raises:
            ShapeError: an input is missing, or of another shape or kind of number.
        """
        self.inputs.check(self.path.name, inputs)
        for view, array in zip(self._views, inputs, strict=True):
            np.copyto(view(), array, casting="same_kind")
        self._interpreter.invoke()
        return tuple(self._interpreter.get_tensor(i) for i in self._output_indices)


def _resize(interpreter: Any, size: Size) -> None:
    for detail in interpreter.get_input_details():
        shape = resized_shape(detail["shape"], size)
        interpreter.resize_tensor_input(detail["index"], shape)


def load_litert(
    path: Path, *, threads: int, input_size: Size | None = None
) -> LiteRtGraph:
    """Load a `.tflite` graph; see `vod.engine.load_graph` for other input sizes.

    Raises:
        WeightsError: the file is not one, or cannot be run at that size.
    """
    return LiteRtGraph(path, threads=threads, input_size=input_size)
