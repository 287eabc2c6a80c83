"""The engines of OpenVINO: `.xml`, `.onnx` and `.tflite` graphs on the CPU."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vod.errors import DependencyError, WeightsError
from vod.graph import GraphInputs, Shape, at_size, resized_shape
from vod.sizes import Size
from vod.types import FloatArray

SINGLE: Final = "f32"
"""What is computed in. On processors with bfloat16 OpenVINO's own choice is that."""

HALF: Final = "bf16"
"""Convolutions in bfloat16, half the time where the processor has it (AMX)."""


class OpenVinoGraph:
    """One graph file, compiled by OpenVINO for the CPU; static shapes, float32 arrays.

    Attributes:
        path: the file.
        inputs: shapes and types that it takes.
        output_shapes: one shape an output, in the graph's order.
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int,
        precision: str = SINGLE,
        input_size: Size | None = None,
    ) -> None:
        import openvino

        self.path = path
        core = openvino.Core()
        if precision == HALF:
            require_bfloat16(core)
        try:
            model = core.read_model(path)
            if model.is_dynamic():
                raise WeightsError(
                    f"{path} leaves a shape open; export it with fixed input shapes."
                )
            if input_size is not None:
                _resize(model, input_size)
            settings = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": precision,
                "INFERENCE_NUM_THREADS": threads,
            }
            compiled = core.compile_model(model, "CPU", settings)
        except (ValueError, RuntimeError) as error:
            raise WeightsError(
                f"{path} is not a graph that OpenVINO runs{at_size(input_size)}."
            ) from error
        self._request = compiled.create_infer_request()
        self._outputs = list(compiled.outputs)
        self.inputs = GraphInputs(
            [tuple(port.shape) for port in compiled.inputs],
            [np.dtype(port.element_type.to_dtype()) for port in compiled.inputs],
        )
        self.output_shapes: list[Shape] = [
            tuple(port.shape) for port in compiled.outputs
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
        arrays = self.inputs.prepared(self.path.name, inputs)
        # The inputs are read where they lie; nothing keeps them after the call.
        results = self._request.infer(arrays, share_inputs=True)
        return tuple(results[port] for port in self._outputs)


def _resize(model: Any, size: Size) -> None:
    model.reshape(
        {port: list(resized_shape(port.shape, size)) for port in model.inputs}
    )


def load_openvino(
    path: Path, *, threads: int, input_size: Size | None = None
) -> OpenVinoGraph:
    """Load an `.xml`, `.onnx` or `.tflite` graph, to be computed in float32.

    See `vod.engine.load_graph` for other input sizes.

    Raises:
        WeightsError: the file is not one, leaves a shape open, or cannot be run at that
            size.
    """
    return OpenVinoGraph(path, threads=threads, input_size=input_size)


def load_openvino_bf16(
    path: Path, *, threads: int, input_size: Size | None = None
) -> OpenVinoGraph:
    """Load such a graph; what it has in float32 is computed in bfloat16.

    Raises:
        DependencyError: the processor does not compute in bfloat16.
        WeightsError: as `load_openvino`.
    """
    return OpenVinoGraph(path, threads=threads, precision=HALF, input_size=input_size)


def require_bfloat16(core: Any) -> None:
    """Refuse a processor that does not compute in bfloat16.

    Args:
        core: OpenVINO's, which knows it.

    Raises:
        DependencyError: it does not.
    """
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise DependencyError(
            "this processor does not compute in bfloat16: choose --engine openvino."
        )
