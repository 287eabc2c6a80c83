"""Write a Keras model as an `.onnx` graph, and prove that it computes the same.

Needs TensorFlow and the packages of the extra `onnx`.
"""

import importlib.util
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vod.errors import DependencyError
from vod.export import check_exportable, largest_difference, traced
from vod.files import PendingFile
from vod.types import FloatArray

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

OPSET: Final = 17  # what onnxruntime's quantiser and OpenVINO both take

LEAST_HALVED: Final = 256
"""Constants of fewer values stay float32: there is nothing to save in them."""


def export_onnx(
    model: "keras.Model",
    path: Path,
    *,
    samples: Sequence[Sequence[FloatArray]],
    float16: bool = False,
) -> float:
    """Convert, check against Keras on real inputs, then put the file in place.

    Computes in float32, channels last as in Keras, static shapes. Inputs and outputs
    keep the model's names and order.

    Args:
        model: functional, every input with static shape and batch 1.
        path: the `.onnx` file to write.
        samples: at least one list of input arrays, in the model's order.
        float16: store large constants as float16, at half the size; see
            `vod.export.export_graph`.

    Returns:
        The largest absolute difference from Keras over all samples and outputs.

    Raises:
        DependencyError: a package of the extra `onnx` is not installed.
        ShapeError: an input shape is not static, or no sample was given.
        WeightsError: the written graph does not compute what the model does.
    """
    require_onnx()
    check_exportable(model, samples)
    import onnx

    pending = PendingFile(path)
    try:
        graph = _convert(model)
        if float16:
            halve_constants(graph)
        onnx.save_model(graph, pending.temporary)
        run = onnx_function(pending.temporary)
        error = largest_difference(model, run, samples, file=path.name)
        pending.commit()
    finally:
        pending.discard()
    logger.info("wrote %s, largest difference from Keras %.2g", path, error)
    return error


def require_onnx() -> None:
    """Check that what writes and runs ONNX graphs is installed.

    Raises:
        DependencyError: it is not.
    """
    for package in ("onnx", "onnxruntime", "tf2onnx"):
        if importlib.util.find_spec(package) is None:
            raise DependencyError(
                f"ONNX graphs need the package {package}, which is not installed: "
                "pip install 'vod[onnx]'"
            )


def onnx_function(path: Path) -> Any:
    """Give an `.onnx` file as a function of arrays, on the CPU, for checks."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(path), providers=["CPUExecutionProvider"]
    )
    names = [entry.name for entry in session.get_inputs()]

    def run(*inputs: FloatArray) -> tuple[FloatArray, ...]:
        return tuple(session.run(None, dict(zip(names, inputs, strict=True))))

    return run


def _convert(model: "keras.Model") -> Any:
    """Give the model as an ONNX protobuf with static shapes."""
    import tf2onnx

    function, signature = traced(model)
    with warnings.catch_warnings():
        # tf2onnx names NumPy types that are deprecated; it still converts rightly.
        warnings.simplefilter("ignore")
        graph, _ = tf2onnx.convert.from_function(
            function, input_signature=signature, opset=OPSET
        )
    names = dict(
        zip((o.name for o in graph.graph.output), model.output_names, strict=True)
    )
    names |= {
        entry.name: tensor.name.split(":")[0]
        for entry, tensor in zip(graph.graph.input, model.inputs, strict=True)
    }
    _rename(graph.graph, names)
    for entry, tensor in zip(graph.graph.output, model.outputs, strict=True):
        for dimension, size in zip(
            entry.type.tensor_type.shape.dim, tensor.shape, strict=True
        ):
            dimension.dim_value = size
    return graph


def _rename(graph: Any, names: dict[str, str]) -> None:
    """Give inputs and outputs other names, wherever the graph mentions them."""
    for entry in (*graph.input, *graph.output):
        entry.name = names.get(entry.name, entry.name)
    for node in graph.node:
        for edges in (node.input, node.output):
            for position, name in enumerate(edges):
                edges[position] = names.get(name, name)


def halve_constants(graph: Any) -> None:
    """Store large float32 constants as float16 with a cast behind each.

    Runtimes fold the cast when they load the file, so that speed stays what it was.

    Args:
        graph: an ONNX protobuf, changed in place.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in graph.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < LEAST_HALVED:
            continue
        name = tensor.name
        half = f"{name}_half"
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
