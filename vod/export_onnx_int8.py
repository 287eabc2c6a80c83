"""Write a Keras model as an int8 `.onnx` graph (QDQ), calibrated on real inputs."""

import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vod.errors import ConfigError
from vod.export_onnx import export_onnx, onnx_function
from vod.files import PendingFile
from vod.quantise import Quantisation, check_int8, layers_of
from vod.types import FloatArray

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

ACTIVATIONS: Final = ("Clip", "Relu", "LeakyRelu")


def export_onnx_int8(
    model: "keras.Model",
    path: Path,
    *,
    samples: Sequence[Sequence[FloatArray]],
    how: Quantisation,
) -> float:
    """Calibrate, convert, check against Keras, then put the file in place.

    Inputs and outputs are float32; weights int8, one scale an output channel;
    activations uint8.

    Args:
        model: functional, every input with static shape and batch 1.
        path: the `.onnx` file to write.
        samples: inputs as the model gets them in use, some dozens at least.
        how: what stays float; ONNX graphs take normalised pictures in any case.

    Returns:
        The largest RMS error of an output, relative to its standard deviation.

    Raises:
        ConfigError: a layer that is to stay float is not in the graph.
        DependencyError: a package of the extra `onnx` is not installed.
        ShapeError: an input shape is not static, or no sample was given.
        WeightsError: the graph computes something else than the model.
    """
    pending = PendingFile(path)
    try:
        with tempfile.TemporaryDirectory() as folder:
            exact = Path(folder) / "float32.onnx"
            export_onnx(model, exact, samples=samples[:2])
            _quantise(exact, pending.temporary, samples, how)
        run = onnx_function(pending.temporary)
        error = check_int8(model, run, samples, file=path.name)
        pending.commit()
    finally:
        pending.discard()
    logger.info("wrote %s, relative error %.3f", path, error)
    return error


def _quantise(
    exact: Path,
    target: Path,
    samples: Sequence[Sequence[FloatArray]],
    how: Quantisation,
) -> None:
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    graph = onnx.load(exact).graph
    names = [entry.name for entry in graph.input]

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left: Iterator[Sequence[FloatArray]] = iter(samples)

        def get_next(self) -> dict[str, FloatArray] | None:
            sample = next(self._left, None)
            if sample is None:
                return None
            return dict(zip(names, sample, strict=True))

    with warnings.catch_warnings():
        # It advises a pre-processing step that the float32 exporter has done.
        warnings.simplefilter("ignore")
        quantize_static(
            str(exact),
            str(target),
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_nodes_of(graph, how.float_layers),
        )


def _nodes_of(graph: Any, layers: Sequence[str]) -> list[str]:
    """Give the names of the graph's nodes that belong to layers of the model.

    Raises:
        ConfigError: one has none.
    """
    found: list[str] = []
    outputs: set[str] = set()
    for layer in layers:
        # A depthwise convolution has lost its name, but its weights have not.
        own = [
            node
            for node in graph.node
            if any(
                layer in layers_of(name)
                for name in (node.name, *node.output, *node.input[1:])
            )
        ]
        if not own:
            raise ConfigError(
                f"the ONNX graph has no node of a layer '{layer}' that could stay in "
                "float32."
            )
        found += [node.name for node in own]
        outputs |= {name for node in own for name in node.output}
    # What is applied to a float result at once would otherwise round it.
    found += [
        node.name
        for node in graph.node
        if node.op_type in ACTIVATIONS and node.input[0] in outputs
    ]
    return found
