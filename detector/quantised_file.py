"""Read TensorFlow's quantised SSD `.tflite`: constants, labels, raw outputs."""

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from detector.anchors import anchors_per_cell
from detector.ssd_config import LEVELS
from vod.errors import WeightsError
from vod.types import ByteArray, FloatArray

LABELS_FILE: Final = "labelmap.txt"
UNUSED_LABEL: Final = "???"


class QuantisedSsd:
    """The public uint8 SSD MobileNet V1 in LiteRT's interpreter.

    Attributes:
        path: the `.tflite` file.
        labels: one name a label of the file, background not counted; unused labels
            are `"???"`.
    """

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self.path = path
        if not path.is_file():
            raise WeightsError(f"{path} is not a file. Expected a .tflite graph.")
        try:
            with warnings.catch_warnings():
                # It warns that keeping all tensors is for debugging: it is what for.
                warnings.simplefilter("ignore", UserWarning)
                self._interpreter = Interpreter(
                    str(path),
                    experimental_preserve_all_tensors=True,
                    experimental_op_resolver_type=(
                        OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
                    ),
                )
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise WeightsError(f"{path} is not a runnable .tflite graph.") from error
        self._details: Mapping[str, Any] = {
            detail["name"]: detail for detail in self._interpreter.get_tensor_details()
        }
        self.labels = _embedded_labels(path)

    def constant(self, name: str) -> FloatArray:
        """Give a tensor by its name, dequantised; for constants, no run is needed.

        Raises:
            WeightsError: the file has no tensor of that name.
        """
        if name not in self._details:
            raise WeightsError(
                f"{self.path} has no tensor '{name}'. Expected the public quantised "
                "SSD MobileNet V1 of the TensorFlow object-detection models."
            )
        detail = self._details[name]
        scale, zero_point = detail["quantization"]
        stored = self._interpreter.get_tensor(detail["index"])
        if scale == 0:  # the file's own mark of a tensor that is not quantised
            return np.asarray(stored, np.float32)
        values: FloatArray = np.float32(scale) * (
            stored.astype(np.float32) - zero_point
        )
        return values

    def bias(self, prefix: str) -> FloatArray:
        """Give the bias of a layer, whatever kind of convolution it is."""
        names = [
            name
            for name in self._details
            if name.startswith(f"{prefix}/") and name.endswith("_bias")
        ]
        return self.constant(names[0] if names else f"{prefix}/Conv2D_bias")

    def step(self, name: str) -> float:
        """Give the quantisation step of a tensor."""
        return float(self._details[name]["quantization"][0])

    def run(self, image: ByteArray) -> None:
        """Run the graph on one `(300, 300, 3)` uint8 RGB picture."""
        index = self._interpreter.get_input_details()[0]["index"]
        self._interpreter.set_tensor(index, image[None])
        self._interpreter.invoke()

    def raw_outputs(self, kind: str) -> list[tuple[FloatArray, float, float, float]]:
        """Give the last run's raw outputs of one kind, level by level.

        Args:
            kind: `"BoxEncodingPredictor"` or `"ClassPredictor"`.

        Returns:
            For each level: values `(N, 4)` or `(N, labels + 1)`, the quantisation step,
            and the least and greatest value that uint8 can hold.
        """
        outputs = []
        for level, anchors in enumerate(anchors_per_cell(LEVELS)):
            name = f"BoxPredictor_{level}/{kind}/BiasAdd"
            values = self.constant(name)
            scale, zero_point = self._details[name]["quantization"]
            columns = values.shape[-1] // anchors
            outputs.append(
                (
                    values.reshape(-1, columns),
                    float(scale),
                    float(-zero_point * scale),
                    float((255 - zero_point) * scale),
                )
            )
        return outputs


def anchors_of(file: QuantisedSsd, *, height: int, width: int) -> FloatArray:
    """Give the file's `(N, 4)` anchors: centre x, centre y, width, height in pixels."""
    unit = np.array([width, height, width, height], np.float32)
    anchors: FloatArray = file.constant("anchors")[:, [1, 0, 3, 2]] * unit
    return anchors


def _embedded_labels(path: Path) -> tuple[str, ...]:
    """Read the label list that TensorFlow's metadata appends to a file as a zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(LABELS_FILE).decode("utf-8")
    except (zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(
            f"{path} carries no {LABELS_FILE}. Expected the public quantised SSD "
            "MobileNet V1 with its metadata."
        ) from error
    return tuple(line.strip() for line in text.splitlines() if line.strip())
