"""Write a Keras model for OpenVINO (`.xml`, weights in `.bin`), and check it.

Needs TensorFlow and the package of the extra `openvino`.
"""

import importlib.util
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vod.errors import DependencyError, VideoError
from vod.export import check_exportable, largest_difference, traced
from vod.types import FloatArray

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


def export_openvino(
    model: "keras.Model",
    path: Path,
    *,
    samples: Sequence[Sequence[FloatArray]],
    float16: bool = True,
) -> float:
    """Convert, check against Keras on real inputs, then put both files in place.

    Channels last as in Keras, static shapes. Inputs and outputs keep the model's names
    and order.

    Args:
        model: functional, every input with static shape and batch 1.
        path: the `.xml` file to write; the weights lie beside it as `.bin`.
        samples: at least one list of input arrays, in the model's order.
        float16: store constants as float16, at half the size; see
            `vod.export.export_graph`.

    Returns:
        The largest absolute difference from Keras over all samples and outputs.

    Raises:
        DependencyError: OpenVINO is not installed.
        ShapeError: an input shape is not static, or no sample was given.
        VideoError: the files cannot be written.
        WeightsError: the written graph does not compute what the model does.
    """
    require_openvino()
    check_exportable(model, samples)
    import openvino

    converted = _convert(model)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as folder:
            written = Path(folder) / path.name
            openvino.save_model(converted, str(written), compress_to_fp16=float16)
            run = openvino_function(written)
            error = largest_difference(model, run, samples, file=path.name)
            # The weights first: an .xml that is there has its .bin.
            for part in (written.with_suffix(".bin"), written):
                part.replace(path.with_name(part.name))
    except OSError as failure:
        raise VideoError(f"cannot write {path}: {failure.strerror}.") from failure
    logger.info("wrote %s, largest difference from Keras %.2g", path, error)
    return error


def require_openvino() -> None:
    """Check that what writes and runs OpenVINO graphs is installed.

    Raises:
        DependencyError: it is not.
    """
    if importlib.util.find_spec("openvino") is None:
        raise DependencyError(
            "OpenVINO graphs need the package openvino, which is not installed: "
            "pip install 'vod[openvino]'"
        )


def openvino_function(path: Path) -> Any:
    """Give an `.xml` file as a function of arrays, in float32, for checks."""
    import openvino

    # Processors with bfloat16 would otherwise be free to compute in it.
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    # As bytes: the file itself is then not held open by the compiled model.
    core = openvino.Core()
    read = core.read_model(path.read_bytes(), path.with_suffix(".bin").read_bytes())
    compiled = core.compile_model(read, "CPU", settings)

    def run(*inputs: FloatArray) -> tuple[FloatArray, ...]:
        return tuple(np.array(v) for v in compiled(list(inputs)).values())

    return run


def _convert(model: "keras.Model") -> Any:
    """Give the model as an OpenVINO model with static shapes and our names."""
    import openvino

    function, signature = traced(model)
    converted = openvino.convert_model(
        function, input=[list(spec.shape) for spec in signature]
    )
    for port, tensor in zip(converted.inputs, model.inputs, strict=True):
        port.get_tensor().set_names({tensor.name.split(":")[0]})
    for port, name in zip(converted.outputs, model.output_names, strict=True):
        port.get_tensor().set_names({name})
    return converted
