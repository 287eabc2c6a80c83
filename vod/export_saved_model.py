"""Write a Keras model as a TensorFlow SavedModel, and check it."""

import logging
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vod.engine_saved_model import SIGNATURE, SavedModelGraph
from vod.export import check_exportable, largest_difference, traced
from vod.types import FloatArray

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


def export_saved_model(
    model: "keras.Model",
    path: Path,
    *,
    samples: Sequence[Sequence[FloatArray]],
) -> float:
    """Convert, check against Keras on real inputs, then put the folder in place.

    The signature `serving_default` keeps the model's names; float32, static shapes.

    Args:
        model: functional, every input with static shape and batch 1.
        path: the folder to write; must not exist.
        samples: at least one list of input arrays, in the model's order.

    Returns:
        The largest absolute difference from Keras over all samples and outputs.

    Raises:
        ShapeError: an input shape is not static, or no sample was given.
        WeightsError: the written graph does not compute what the model does.
    """
    import tensorflow as tf

    check_exportable(model, samples)
    function, specs = traced(model)

    @tf.function(input_signature=specs)
    def named(*inputs: Any) -> dict[str, Any]:
        return dict(zip(model.output_names, function(*inputs), strict=True))

    module = tf.Module()
    module.kept = [variable.value for variable in model.variables]
    temporary = path.with_name(f".{secrets.token_hex(6)}.part")
    try:
        tf.saved_model.save(module, str(temporary), signatures={SIGNATURE: named})
        inputs = [spec.name for spec in specs]
        graph = SavedModelGraph(temporary, inputs, model.output_names, threads=2)
        error = largest_difference(model, graph, samples, file=path.name)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    logger.info("wrote %s, largest difference from Keras %.2g", path, error)
    return error
