"""Run a network, arrays in, arrays out: LiteRT, or TensorFlow as the reference."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from vod.errors import ShapeError, WeightsError
from vod.types import FloatArray

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

Graph = Callable[..., tuple[FloatArray, ...]]
"""Takes one array an input and gives one array an output, in the graph's own order."""


@contextmanager
def _native_log_muted() -> Iterator[None]:
    """Keep LiteRT's note on creating its delegate off stderr; it has no switch for it.

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
    """One `.tflite` file in LiteRT's interpreter (XNNPACK, fixed shapes).

    Attributes:
        path: the file.
        input_shapes: one shape an input, in the graph's order.
        output_shapes: one shape an output, in the graph's order.
    """

    def __init__(self, path: Path, *, threads: int = 2) -> None:
        self.path = path
        try:
            with _native_log_muted():
                self._interpreter = Interpreter(str(path), num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, OSError) as error:
            raise WeightsError(f"{path} is not a runnable .tflite graph.") from error
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        self._input_indices = [detail["index"] for detail in inputs]
        self._output_indices = [detail["index"] for detail in outputs]
        self.input_shapes = [tuple(map(int, detail["shape"])) for detail in inputs]
        self.output_shapes = [tuple(map(int, detail["shape"])) for detail in outputs]

    def __call__(self, *inputs: FloatArray) -> tuple[FloatArray, ...]:
        """Run the graph; the outputs are copies that later calls do not touch.

        Raises:
            ShapeError: an input is missing or of another shape than the graph's.
        """
        shapes = [array.shape for array in inputs]
        if shapes != self.input_shapes:
            raise ShapeError(
                f"{self.path.name} takes inputs {self.input_shapes}, received {shapes}."
            )
        for index, array in zip(self._input_indices, inputs, strict=True):
            self._interpreter.set_tensor(index, np.ascontiguousarray(array, np.float32))
        self._interpreter.invoke()
        return tuple(self._interpreter.get_tensor(i) for i in self._output_indices)


def tensorflow_graph(model: "keras.Model", *, threads: int) -> Graph:
    """Wrap a Keras model of static shapes as a compiled function of NumPy arrays.

    The reference engine: imports TensorFlow, whose thread count is one for the process
    and stays as it is once something has run.
    """
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError:
        logger.warning("TensorFlow already runs; its thread count is not changed.")
    signature = [tf.TensorSpec(tensor.shape, tf.float32) for tensor in model.inputs]

    @tf.function(input_signature=signature)
    def run(*inputs: Any) -> tuple[Any, ...]:
        outputs = model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
        return tuple(outputs) if isinstance(outputs, (list, tuple)) else (outputs,)

    def call(*inputs: FloatArray) -> tuple[FloatArray, ...]:
        tensors = [tf.convert_to_tensor(array, tf.float32) for array in inputs]
        return tuple(np.asarray(output) for output in run(*tensors))

    return call
