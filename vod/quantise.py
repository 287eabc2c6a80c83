"""Write a Keras model as an int8 `.tflite` graph, calibrated on real inputs.

Full-integer post-training quantisation: int8 weights, one scale an output channel;
int8 activations, one range a tensor, taken from the calibration inputs; int32 sums.
Outputs are float32. Layers that do not bear it stay in float32. Needs TensorFlow.
"""

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from vod.engine import LiteRtGraph
from vod.errors import ConfigError, WeightsError
from vod.export import as_input, check_exportable, traced
from vod.export_pixels import as_pixels
from vod.files import PendingFile
from vod.preprocess import Preprocessing
from vod.types import FloatArray

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

LARGEST_ERROR: Final = 0.25
"""Largest accepted error of an output, RMS, relative to its standard deviation.

Measured .02 to .08 on our networks; a graph that was calibrated on the wrong values is
wrong by about 1.
"""

CHECKED_SAMPLES: Final = 16


@dataclass(frozen=True, slots=True)
class Quantisation:
    """How a model becomes int8.

    Attributes:
        pixels: of the inputs, where these are pictures: the graph then takes uint8
            pixels as they are. None: it takes the model's float32 inputs.
        float_layers: names of the model's layers that stay in float32.
    """

    pixels: Preprocessing | None = None
    float_layers: tuple[str, ...] = ()


def export_int8(
    model: "keras.Model",
    path: Path,
    *,
    samples: Sequence[Sequence[FloatArray]],
    how: Quantisation,
) -> float:
    """Calibrate, convert, check against Keras, then put the file in place.

    Args:
        model: functional, every input with static shape and batch 1.
        path: the `.tflite` file to write.
        samples: inputs as the model gets them in use, some dozens at least; ranges of
            activations are read off them.
        how: what stays float, and what the graph takes.

    Returns:
        The largest RMS error of an output, relative to its standard deviation.

    Raises:
        ConfigError: a layer that is to stay float is not in the model.
        ShapeError: an input shape is not static, or no sample was given.
        WeightsError: the graph computes something else than the model.
    """
    check_exportable(model, samples)
    if how.pixels is not None:
        samples = [_with_full_range(samples[0], how.pixels), *samples[1:]]
    pending = PendingFile(path)
    try:
        pending.temporary.write_bytes(_convert(model, samples, how))
        graph = LiteRtGraph(pending.temporary)

        def run(*arrays: FloatArray) -> tuple[FloatArray, ...]:
            if how.pixels is None:
                return graph(*arrays)
            return graph(*(as_pixels(array, how.pixels) for array in arrays))

        error = check_int8(model, run, samples, file=path.name)
        pending.commit()
    finally:
        pending.discard()
    logger.info("wrote %s, relative error %.3f", path, error)
    return error


def relative_error(ours: FloatArray, expected: FloatArray) -> float:
    """Give the RMS difference relative to the standard deviation of what is expected.

    >>> relative_error(np.array([1.0, -1.0]), np.array([2.0, -2.0]))
    0.5
    """
    difference = float(np.sqrt(np.mean(np.square(ours - expected))))
    return difference / max(float(np.std(expected)), 1e-6)


def _with_full_range(
    sample: Sequence[FloatArray], pixels: Preprocessing
) -> list[FloatArray]:
    """Give a sample whose inputs hold the darkest and the brightest pixel.

    The range of an input is then that of uint8, so that its codes are the pixels.
    """
    changed = [array.copy() for array in sample]
    for array in changed:
        array[0, 0, 0] = (0 - pixels.mean) / pixels.scale
        array[0, 0, 1] = (255 - pixels.mean) / pixels.scale
    return changed


def _convert(
    model: "keras.Model", samples: Sequence[Sequence[FloatArray]], how: Quantisation
) -> bytes:
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    function, _ = traced(model)
    # No trackable argument: with a Keras 3 model it writes a file of unread variables.
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()]
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (list(sample) for sample in samples)
    # The public converter cannot both keep layers float and take uint8: these are the
    # two steps that it consists of.
    converter._experimental_calibrate_only = True
    with warnings.catch_warnings():
        # It asks for statistics of inputs, which calibration gives.
        warnings.simplefilter("ignore")
        calibrated = converter.convert()
    graph: bytes = mlir_quantize(
        calibrated,
        fully_quantize=False,
        input_data_type=tf.float32 if how.pixels is None else tf.uint8,
        output_data_type=tf.float32,
        denylisted_nodes=_nodes_of(calibrated, model, how.float_layers),
    )
    return graph


def _nodes_of(
    calibrated: bytes, model: "keras.Model", layers: Sequence[str]
) -> list[str]:
    """Give the names of the graph's operations that belong to layers of the model.

    Raises:
        ConfigError: one has none.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    graph = Interpreter(
        model_content=calibrated,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    names = {tensor["index"]: tensor["name"] for tensor in graph.get_tensor_details()}
    nodes = [names[node["outputs"][0]] for node in graph._get_ops_details()]
    # An output tensor has lost its layer's name.
    outputs = {
        name: names[detail["index"]]
        for name, detail in zip(
            model.output_names, graph.get_output_details(), strict=True
        )
    }
    found: list[str] = []
    for layer in layers:
        own = [name for name in nodes if layer in layers_of(name)]
        own += [outputs[layer]] if layer in outputs else []
        if not own:
            raise ConfigError(
                f"{model.name} has no operation of a layer '{layer}' that could stay "
                "in float32."
            )
        found += own
    return found


def layers_of(node: str) -> set[str]:
    """Give the layers that an operation was made of, from its name.

    Fused operations bear all their names, `model/conv_1/BiasAdd;model/conv_1/...`, with
    the layer before the last slash. Keras numbers layers where a model is traced.

    >>> sorted(layers_of("net_1/conv_1/BiasAdd;net_1/relu/Relu"))
    ['conv', 'conv_1', 'relu']
    """
    layers = {part.split("/")[-2] for part in node.split(";") if "/" in part}
    return layers | {layer.removesuffix("_1") for layer in layers}


def check_int8(
    model: "keras.Model",
    run: Callable[..., Sequence[FloatArray]],
    samples: Sequence[Sequence[FloatArray]],
    *,
    file: str,
) -> float:
    """Give the largest error of an output over some samples; see `relative_error`.

    Args:
        model: what was exported.
        run: the int8 graph, as a function of the model's inputs.
        samples: inputs in the model's order.
        file: name of the graph, for messages.

    Raises:
        WeightsError: it is more than int8 makes.
    """
    step = max(1, len(samples) // CHECKED_SAMPLES)
    ours, expected = [], []
    for sample in samples[::step]:
        ours.append(run(*sample))
        outputs = model(as_input(sample), training=False)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        expected.append([np.asarray(output) for output in outputs])
    errors = [
        relative_error(np.stack(got), np.stack(wanted))
        for got, wanted in zip(
            zip(*ours, strict=True), zip(*expected, strict=True), strict=True
        )
    ]
    # `not <=` also catches NaN.
    for index, error in enumerate(errors):
        if not error <= LARGEST_ERROR:
            raise WeightsError(
                f"{file}: output {index} of the int8 graph is off by {error:.2f} of "
                "its spread; calibrate it on pictures like those it will see."
            )
    return max(errors)
