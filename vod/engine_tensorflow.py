"""The engine TensorFlow: the reference that runs Keras models as they are."""

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from vod.graph import Graph
from vod.types import FloatArray

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


def tensorflow_graph(model: "keras.Model", *, threads: int) -> Graph:
    """Wrap a Keras model of static shapes as a compiled function of NumPy arrays.

    The reference engine: imports TensorFlow, whose thread count is one for the process
    and stays as it is once something has run.
    """
    import tensorflow as tf

    use_threads(threads)
    signature = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in model.inputs]

    @tf.function(input_signature=signature)
    def run(*inputs: Any) -> tuple[Any, ...]:
        outputs = model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
        return tuple(outputs) if isinstance(outputs, (list, tuple)) else (outputs,)

    def call(*inputs: FloatArray) -> tuple[FloatArray, ...]:
        tensors = [
            tf.convert_to_tensor(array, spec.dtype)
            for array, spec in zip(inputs, signature, strict=True)
        ]
        return tuple(np.asarray(output) for output in run(*tensors))

    return call


def use_threads(threads: int) -> None:
    """Set TensorFlow's thread count for the process, unless something has run."""
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError:
        logger.warning("TensorFlow already runs; its thread count is not changed.")
