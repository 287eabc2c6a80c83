"""Write one graph of a bundle, in any format and precision."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from propagate.manifest import BundleFormat
from vod.errors import ConfigError, DependencyError
from vod.export import export_graph
from vod.export_onnx import export_onnx, require_onnx
from vod.export_onnx_int8 import export_onnx_int8
from vod.export_openvino import export_openvino, require_openvino
from vod.export_saved_model import export_saved_model
from vod.preprocess import Preprocessing
from vod.quantise import Quantisation, export_int8
from vod.types import FloatArray
from vod.weights import Precision

if TYPE_CHECKING:
    import keras

SUFFIXES: Final[dict[BundleFormat, str]] = {
    "litert": ".tflite",
    "onnx": ".onnx",
    "openvino": ".xml",
    "savedmodel": "",
}


@dataclass(frozen=True, eq=False, slots=True)
class GraphSource:
    """A Keras model that becomes a graph.

    Attributes:
        model: of batch 1 and static shapes.
        samples: real inputs, in the model's order; many where int8 is calibrated.
        pixels: of the inputs, where these are pictures: LiteRT graphs then take uint8.
        float_layers: what stays float32 in int8.
        is_exact: it computes coordinates: constants and computing are always float32.
    """

    model: "keras.Model"
    samples: Sequence[Sequence[FloatArray]]
    pixels: Preprocessing | None = None
    float_layers: tuple[str, ...] = ()
    is_exact: bool = False


def check_combination(format: BundleFormat, precision: Precision) -> None:  # noqa: A002
    """Say before any work that a format cannot be written, or not in a precision.

    Raises:
        ConfigError: the format has no such precision.
        DependencyError: a package is missing.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise DependencyError(
            "exporting needs TensorFlow, which is not installed: pip install tensorflow"
        )
    if format == "savedmodel" and precision != "fp32":
        raise ConfigError(
            f"a savedmodel is written in fp32 only, received {precision}: choose "
            "--format litert, onnx or openvino."
        )
    if format == "onnx":
        require_onnx()
    if format == "openvino":
        require_openvino()
        if precision == "int8":
            raise ConfigError(
                "OpenVINO graphs are written in fp32 and fp16; for int8 write --format "
                "onnx or litert, which the engine openvino reads as well."
            )


def write_graph(
    source: GraphSource,
    stem: Path,
    *,
    format: BundleFormat,  # noqa: A002
    precision: Precision,
) -> Path:
    """Write a graph and check it against Keras.

    Args:
        source: the model and its samples.
        stem: the path to write, without the format's suffix.
        format: see `propagate.manifest`.
        precision: of all but exact graphs, which are float32.

    Returns:
        The file, or folder.

    Raises:
        ConfigError: a layer that is to stay float is not in the model.
        DependencyError: a package is missing.
        WeightsError: the graph computes something else than the model.
    """
    path = stem.with_name(stem.name + SUFFIXES[format])
    model, samples = source.model, source.samples
    few = samples[:3]
    if precision == "int8" and not source.is_exact:
        pixels = source.pixels if format == "litert" else None
        how = Quantisation(pixels, source.float_layers)
        export = export_int8 if format == "litert" else export_onnx_int8
        export(model, path, samples=samples, how=how)
        return path
    half = precision == "fp16" and not source.is_exact
    if format == "litert":
        export_graph(model, path, samples=few, float16=half, pixels=source.pixels)
    elif format == "onnx":
        export_onnx(model, path, samples=few, float16=half)
    elif format == "openvino":
        export_openvino(model, path, samples=few, float16=half)
    else:
        export_saved_model(model, path, samples=few)
    return path
