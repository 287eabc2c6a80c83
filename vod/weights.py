"""Weights on disk: one folder a network, checked before use, never executed.

A weights folder holds `weights.safetensors` (the trained values, stored as float16 or
float32), exported graphs (`*.tflite`), `CARD.md` for people and `record.json`, the
`WeightsRecord`, for programs.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import safetensors.numpy

from vod.config import from_mapping, to_mapping
from vod.errors import ConfigError, WeightsError
from vod.preprocess import Preprocessing

if TYPE_CHECKING:
    import keras

WEIGHTS_FILE = "weights.safetensors"
RECORD_FILE = "record.json"

Precision = Literal["fp32", "fp16", "int8"]
"""Of a graph: what its constants are stored in; int8 graphs also compute in int8.

The other two compute in float32. Trained values are rounded to float16 before they are
exported, so both give the same numbers.
"""


@dataclass(frozen=True, slots=True)
class GraphRecord:
    """One exported graph.

    Attributes:
        file: its name in the weights folder.
        inputs: names in the graph's own order.
        outputs: names in the graph's own order.
        max_abs_error: largest difference from the Keras model that the exporter saw; of
            int8 graphs the RMS difference relative to the output's standard deviation.
    """

    file: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    max_abs_error: float

    @classmethod
    def of(cls, model: "keras.Model", file: str, error: float) -> Self:
        """Describe the graph that was made of a model, which keeps its order."""
        inputs = tuple(tensor.name for tensor in model.inputs)
        return cls(file, inputs, tuple(model.output_names), error)


@dataclass(frozen=True, slots=True)
class WeightsRecord:
    """What a weights folder holds, and how to run it.

    Attributes:
        network: registry name, e.g. `ssd_mobilenet_v1` or `lightflow`.
        preprocessing: how the network wants its picture.
        config: the network's own config as plain values.
        classes: names in label order; empty for a flow network.
        graphs: exported graphs by role, e.g. `features`, `head`, `flow`.
        files: sha256 of every file in the folder that is loaded.
        origin: where the values come from.
        licence: SPDX name of the licence of the weights.
    """

    network: str
    preprocessing: Preprocessing
    origin: str
    licence: str
    config: dict[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    graphs: dict[str, GraphRecord] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def sha256_of(path: Path) -> str:
    """Give the hex sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def told_graphs(record: WeightsRecord) -> str:
    """Give the graphs of a record as text: one line each, for who has exported them."""
    return "".join(
        f"{role}: {graph.file}, largest difference {graph.max_abs_error:.2g}\n"
        for role, graph in record.graphs.items()
    )


def graph_role(role: str, precision: Precision) -> str:
    """Give the name under which a record lists a graph: `features`, `features_int8`."""
    return f"{role}_int8" if precision == "int8" else role


def read_record(folder: Path, *, network: str | None = None) -> WeightsRecord:
    """Read `record.json` of a weights folder.

    Args:
        folder: the weights folder.
        network: the network that the caller wants to fill, checked when given.

    Raises:
        WeightsError: folder or record missing, not a record, or of another network.
    """
    path = folder / RECORD_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(
            f"no weights in {folder}: {RECORD_FILE} cannot be read ({error.strerror})."
        ) from error
    except ValueError as error:
        raise WeightsError(f"{path} is not JSON: {error}.") from error
    if not isinstance(values, dict):
        raise WeightsError(f"{path} is not a weights record: it holds no keys.")
    try:
        record = from_mapping(WeightsRecord, values, source=str(path))
    except ConfigError as error:
        raise WeightsError(f"not a weights record: {error}") from error
    if network is not None and record.network != network:
        raise WeightsError(
            f"{folder} holds weights of '{record.network}', not of '{network}'."
        )
    return record


def write_record(folder: Path, record: WeightsRecord) -> WeightsRecord:
    """Write `record.json`, with the sha256 of every file that `folder` now holds."""
    loaded = [WEIGHTS_FILE, *(graph.file for graph in record.graphs.values())]
    files = {
        name: sha256_of(folder / name) for name in loaded if (folder / name).exists()
    }
    record = dataclasses.replace(record, files=files)
    text = json.dumps(to_mapping(record), indent=1) + "\n"
    (folder / RECORD_FILE).write_text(text, encoding="utf-8")
    return record


def verified_file(folder: Path, name: str, record: WeightsRecord) -> Path:
    """Give the path of a file that the record lists, after checking its sha256.

    Raises:
        WeightsError: the file is missing, unlisted, or not what the record says.
    """
    path = folder / name
    if name not in record.files:
        raise WeightsError(f"{folder / RECORD_FILE} does not list {name}.")
    if not path.is_file():
        raise WeightsError(f"{path} is missing. Restore it or export it again.")
    if sha256_of(path) != record.files[name]:
        raise WeightsError(
            f"{path} is not the file that {RECORD_FILE} describes (sha256 differs): "
            "it is damaged or from another training run."
        )
    return path


def save_model_weights(
    model: "keras.Model", path: Path, *, dtype: str = "float16"
) -> None:
    """Write a Keras model's variables by their path, e.g. `conv1_pw/kernel`.

    Values are stored in `dtype`; round the live model the same way with
    `load_model_weights` before exporting, so that graph and model stay equal.

    Raises:
        WeightsError: a value is not finite in `dtype`; nothing is written.
    """
    tensors = {}
    for variable in model.weights:
        with np.errstate(over="ignore"):
            values = np.ascontiguousarray(np.asarray(variable).astype(dtype))
        if not np.isfinite(values).all():
            raise WeightsError(
                f"{variable.path} of {model.name} holds values that {dtype} cannot: "
                f"not finite, or beyond {np.finfo(dtype).max:g}."
            )
        tensors[variable.path] = values
    temporary = path.with_name(path.name + ".part")
    safetensors.numpy.save_file(tensors, temporary)
    temporary.replace(path)


def load_model_weights(model: "keras.Model", path: Path) -> None:
    """Fill a Keras model from `save_model_weights`' file; every variable must be there.

    Raises:
        WeightsError: unreadable file, or a variable missing, extra or of another shape.
    """
    try:
        tensors = safetensors.numpy.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise WeightsError(f"{path} is not a safetensors file: {error}.") from error
    variables = {variable.path: variable for variable in model.weights}
    missing = sorted(variables.keys() - tensors.keys())
    extra = sorted(tensors.keys() - variables.keys())
    if missing or extra:
        raise WeightsError(
            f"{path} does not fit {model.name}: missing {missing[:3]}, "
            f"not expected {extra[:3]}."
        )
    for name, variable in variables.items():
        if tensors[name].shape != tuple(variable.shape):
            raise WeightsError(
                f"{path}: {name} must have shape {tuple(variable.shape)}, "
                f"received {tensors[name].shape}."
            )
    for name, variable in variables.items():
        variable.assign(tensors[name].astype("float32"))
