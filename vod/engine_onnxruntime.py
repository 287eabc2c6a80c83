"""The engine ONNX Runtime: `.onnx` graphs on the CPU."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vod.errors import WeightsError
from vod.graph import GraphInputs, Shape
from vod.types import FloatArray

DTYPES: Final = {"tensor(float)": "float32", "tensor(uint8)": "uint8"}

ERRORS_ONLY: Final = 3


class OnnxRuntimeGraph:
    """One `.onnx` file in ONNX Runtime's CPU provider; static shapes.

    Attributes:
        path: the file.
        inputs: shapes and types that it takes.
        output_shapes: one shape an output, in the graph's order.
    """

    def __init__(self, path: Path, *, threads: int) -> None:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as native

        self.path = path
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = ERRORS_ONLY
        # Waiting threads spin by default; with three graphs on two cores they then take
        # each other's time, and every call becomes 2.5 to 3 times slower.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Its exceptions have nothing but Exception in common.
        failures = tuple(
            kind
            for kind in vars(native).values()
            if isinstance(kind, type) and issubclass(kind, Exception)
        )
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except failures as error:
            raise WeightsError(f"{path} is not a runnable .onnx graph.") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        self._names = [entry.name for entry in inputs]
        self.inputs = GraphInputs(
            [_static(path, entry.shape) for entry in inputs],
            [_dtype(path, entry.type) for entry in inputs],
        )
        self.output_shapes: list[Shape] = [
            _static(path, entry.shape) for entry in outputs
        ]

    @property
    def input_shapes(self) -> list[Shape]:
        """Give one shape an input, in the graph's order."""
        return self.inputs.shapes

    def __call__(self, *inputs: npt.NDArray[Any]) -> tuple[FloatArray, ...]:
        """Run the graph; the outputs are arrays that later calls do not touch.

        Raises:
            ShapeError: an input is missing, or of another shape or kind of number.
        """
        arrays = self.inputs.prepared(self.path.name, inputs)
        return tuple(
            self._session.run(None, dict(zip(self._names, arrays, strict=True)))
        )


def _static(path: Path, shape: list[Any]) -> Shape:
    if not all(isinstance(size, int) for size in shape):
        raise WeightsError(
            f"{path} leaves a shape open, {shape}; export it with fixed input shapes."
        )
    return tuple(shape)


def _dtype(path: Path, name: str) -> np.dtype[Any]:
    if name not in DTYPES:
        raise WeightsError(f"{path} takes {name}; only float32 and uint8 are known.")
    return np.dtype(DTYPES[name])


def load_onnxruntime(path: Path, *, threads: int) -> OnnxRuntimeGraph:
    """Load an `.onnx` graph.

    Raises:
        WeightsError: the file is not one, or leaves a shape open.
    """
    return OnnxRuntimeGraph(path, threads=threads)
