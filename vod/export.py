"""Write a Keras model as a `.tflite` graph, and prove that it computes the same.

Needs TensorFlow, as the reference engine in `vod/engine.py` does.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vod.engine import Graph, LiteRtGraph
from vod.errors import ShapeError, WeightsError
from vod.export_pixels import as_pixels, from_zero_point, with_pixel_inputs
from vod.preprocess import Preprocessing
from vod.types import FloatArray

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

TOLERANCE = 2e-3
"""Largest accepted |graph - Keras|, relative to the largest |Keras| of that output.

Both compute in float32 with the same weights and differ only in the order of sums
(measured 1e-6 to 1e-4 on our networks); a wrong export is wrong by far more.
"""


def export_graph(
    model: "keras.Model",
    path: Path,
    *,
    samples: Sequence[Sequence[FloatArray]],
    float16: bool = True,
    pixels: Preprocessing | None = None,
) -> float:
    """Convert, check against Keras on real inputs, then put the file in place.

    Computes in float32. The graph keeps the order of the model's inputs and outputs.

    Args:
        model: functional, every input with static shape and batch 1.
        path: the `.tflite` file to write.
        samples: at least one list of input arrays, as the model takes them and in its
            order.
        float16: store constants as float16, at half the size. Round the weights to
            float16 first (`save_model_weights` and `load_model_weights` do) and storing
            them loses nothing; coordinates such as anchors want False.
        pixels: of the inputs, where these are pictures: the graph then takes uint8
            pixels as they are. None: it takes the model's float32 inputs.

    Returns:
        The largest absolute difference from Keras over all samples and outputs.

    Raises:
        ShapeError: an input shape is not static, or no sample was given.
        WeightsError: the written graph does not compute what the model does.
    """
    check_exportable(model, samples)
    temporary = path.with_name(path.name + ".part")
    run: Callable[..., Sequence[FloatArray]]
    try:
        temporary.write_bytes(litert_bytes(model, float16=float16, pixels=pixels))
        run = LiteRtGraph(temporary)
        if pixels is not None:
            run, samples = _on_pixels(run, samples, pixels)
        error = largest_difference(model, run, samples, file=path.name)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    logger.info("wrote %s, largest difference from Keras %.2g", path, error)
    return error


def litert_bytes(
    model: "keras.Model", *, float16: bool, pixels: Preprocessing | None
) -> bytes:
    """Convert a model without looking at what comes out; see `export_graph`."""
    if pixels is None:
        return _convert(model, float16=float16)
    graph = _convert(from_zero_point(model, pixels), float16=float16)
    return with_pixel_inputs(graph, pixels)


def _on_pixels(
    graph: Graph, samples: Sequence[Sequence[FloatArray]], pixels: Preprocessing
) -> tuple[Graph, list[list[FloatArray]]]:
    """Give a graph of pixels as one of normalised pictures, and samples it can show."""

    def run(*inputs: FloatArray) -> tuple[FloatArray, ...]:
        return graph(*(as_pixels(image, pixels) for image in inputs))

    rounded = [
        [
            np.asarray(pixels.normalise(as_pixels(image, pixels)[0]), np.float32)
            for image in sample
        ]
        for sample in samples
    ]
    return run, rounded


def check_exportable(
    model: "keras.Model", samples: Sequence[Sequence[FloatArray]]
) -> None:
    """Check what every exporter asks of a model.

    Raises:
        ShapeError: an input shape is not static, or no sample was given.
    """
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    if any(None in shape for shape in shapes) or not samples:
        raise ShapeError(
            f"exporting {model.name} needs static input shapes and a sample, "
            f"received shapes {shapes} and {len(samples)} samples."
        )


def traced(model: "keras.Model") -> tuple[Any, list[Any]]:
    """Give a model of static shapes as a `tf.function`, and the specs of its inputs.

    Positional inputs and a tuple of outputs, both in the model's order.
    """
    import tensorflow as tf

    specs = [
        tf.TensorSpec(tensor.shape, tf.float32, name=tensor.name.split(":")[0])
        for tensor in model.inputs
    ]

    @tf.function(input_signature=specs)
    def run(*inputs: "tf.Tensor") -> "tuple[tf.Tensor, ...]":
        outputs = model(as_input(inputs), training=False)
        return tuple(outputs) if isinstance(outputs, (list, tuple)) else (outputs,)

    return run, specs


def as_input(arrays: Sequence[Any]) -> Any:
    """Give inputs as a functional model takes them: one bare, several as a list."""
    return arrays[0] if len(arrays) == 1 else list(arrays)


def _convert(model: "keras.Model", *, float16: bool) -> bytes:
    import tensorflow as tf

    function, _ = traced(model)
    # No trackable argument: with a Keras 3 model it writes a file of unread variables.
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()]
    )
    if float16:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    graph: bytes = converter.convert()
    return graph


def largest_difference(
    model: "keras.Model",
    run: Callable[..., Sequence[FloatArray]],
    samples: Sequence[Sequence[FloatArray]],
    *,
    file: str,
) -> float:
    """Give the largest absolute difference of a written graph from its Keras model.

    Args:
        model: what was exported.
        run: the graph, as a function of its inputs.
        samples: lists of input arrays, in the model's order.
        file: name of the graph, for messages.

    Raises:
        WeightsError: it is more than rounding.
    """
    worst = 0.0
    for sample in samples:
        outputs = model(as_input(sample), training=False)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        for index, (ours, keras_output) in enumerate(
            zip(run(*sample), outputs, strict=True)
        ):
            expected = np.asarray(keras_output)
            error = float(np.abs(ours - expected).max())
            # `not <=` also catches NaN, which a bad export is full of.
            if not error <= TOLERANCE * max(float(np.abs(expected).max()), 1e-3):
                raise WeightsError(
                    f"{file}: output {index} differs from Keras by "
                    f"{error:.3g}; the export was thrown away."
                )
            worst = max(worst, error)
    return worst
