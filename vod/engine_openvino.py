"""The engine OpenVINO: `.xml`, `.onnx` and `.tflite` graphs on the CPU."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vod.errors import WeightsError
from vod.graph import GraphInputs, Shape
from vod.types import FloatArray

SETTINGS: Final = {
    "PERFORMANCE_HINT": "LATENCY",
    # On processors with bfloat16 the default computes in it: measured, boxes of a 720p
    # clip move by up to 1.5 pixels and scores by .01.
    "INFERENCE_PRECISION_HINT": "f32",
}


class OpenVinoGraph:
    """One graph file, compiled by OpenVINO for the CPU; static shapes, float32.

    Attributes:
        path: the file.
        inputs: shapes and types that it takes.
        output_shapes: one shape an output, in the graph's order.
    """

    def __init__(self, path: Path, *, threads: int) -> None:
        import openvino

        self.path = path
        core = openvino.Core()
        try:
            model = core.read_model(path)
            if model.is_dynamic():
                raise WeightsError(
                    f"{path} leaves a shape open; export it with fixed input shapes."
                )
            settings = {**SETTINGS, "INFERENCE_NUM_THREADS": threads}
            compiled = core.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise WeightsError(f"{path} is not a graph that OpenVINO runs.") from error
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


def load_openvino(path: Path, *, threads: int) -> OpenVinoGraph:
    """Load an `.xml`, `.onnx` or `.tflite` graph.

    Raises:
        WeightsError: the file is not one, or leaves a shape open.
    """
    return OpenVinoGraph(path, threads=threads)
