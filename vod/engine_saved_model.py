"""Run a TensorFlow SavedModel, as bundles may hold them; imports TensorFlow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vod.engine import require_engine
from vod.engine_tensorflow import use_threads
from vod.errors import WeightsError
from vod.graph import GraphInputs, Shape
from vod.types import FloatArray

SIGNATURE: Final = "serving_default"


class SavedModelGraph:
    """A SavedModel's signature as a function of arrays.

    Attributes:
        path: its folder.
        inputs: shapes and types that it takes.
        output_shapes: one an output, in order.
    """

    def __init__(
        self,
        path: Path,
        inputs: Sequence[str],
        outputs: Sequence[str],
        *,
        threads: int,
    ) -> None:
        """Load it.

        Args:
            path: its folder.
            inputs: names, in the order in which arrays will come.
            outputs: names, in the order in which arrays are given.
            threads: CPU threads of the process, if none has run yet.

        Raises:
            DependencyError: TensorFlow is not installed.
            WeightsError: it cannot be run, or has other inputs or outputs.
        """
        require_engine("tensorflow")
        import tensorflow as tf

        use_threads(threads)
        self.path = path
        try:
            self._loaded = tf.saved_model.load(str(path))
            self._run = self._loaded.signatures[SIGNATURE]
            specs = [self._run.structured_input_signature[1][name] for name in inputs]
            shapes = [self._run.structured_outputs[name].shape for name in outputs]
        except (OSError, ValueError, KeyError) as error:
            raise WeightsError(
                f"{path} is not a SavedModel from {list(inputs)} to {list(outputs)}."
            ) from error
        self._input_names, self._output_names = list(inputs), list(outputs)
        self.inputs = GraphInputs(
            [tuple(spec.shape) for spec in specs],
            [np.dtype(spec.dtype.as_numpy_dtype) for spec in specs],
        )
        self.output_shapes: list[Shape] = [tuple(shape) for shape in shapes]

    @property
    def input_shapes(self) -> list[Shape]:
        """Give one shape an input, in order."""
        return self.inputs.shapes

    def __call__(self, *inputs: npt.NDArray[Any]) -> tuple[FloatArray, ...]:
        """Run the signature.

        Raises:
            ShapeError: an input is missing, or of another shape or kind of number.
        """
        import tensorflow as tf

        arrays = self.inputs.prepared(self.path.name, inputs)
        tensors = map(tf.constant, arrays)
        found = self._run(**dict(zip(self._input_names, tensors, strict=True)))
        return tuple(np.asarray(found[name]) for name in self._output_names)
