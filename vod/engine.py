"""Run a network, arrays in, arrays out, on any of several engines."""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from vod.config import nearest
from vod.engine_litert import LiteRtGraph, load_litert
from vod.engine_onnxruntime import load_onnxruntime
from vod.engine_openvino import load_openvino, load_openvino_bf16
from vod.engine_tensorflow import tensorflow_graph
from vod.errors import ConfigError, DependencyError, WeightsError
from vod.graph import Graph, LoadedGraph
from vod.onnx_conversion import onnx_of
from vod.sizes import Size

__all__ = [
    "ENGINES",
    "EngineName",
    "Graph",
    "LiteRtGraph",
    "LoadedGraph",
    "is_installed",
    "load_graph",
    "require_engine",
    "resizes",
    "tensorflow_graph",
]

EngineName = Literal["litert", "tensorflow", "openvino", "openvino-bf16", "onnxruntime"]


class GraphLoader(Protocol):
    """Loads a graph file of a format that the engine runs."""

    def __call__(self, path: Path, *, threads: int) -> LoadedGraph:
        """Load; WeightsError where the file is not a graph of this engine."""
        ...


class ResizedGraphLoader(Protocol):
    """Loads such a file for pictures of another size than it was exported for."""

    def __call__(self, path: Path, *, threads: int, input_size: Size) -> LoadedGraph:
        """Load; WeightsError where the graph does not run at that size either."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to run graphs.

    Attributes:
        package: what must be importable.
        install: what installs it.
        suffixes: of the files that it runs as they are.
        load: loads such a file; None where it runs Keras models instead.
        load_resized: loads it for another input size; None where it cannot.
        convert: makes such a file of a `.tflite` graph; None where it cannot.
    """

    package: str
    install: str
    suffixes: tuple[str, ...]
    load: GraphLoader | None
    load_resized: ResizedGraphLoader | None = None
    convert: Callable[[Path], Path] | None = None


ENGINES: Final[Mapping[str, Engine]] = {
    "litert": Engine(
        "ai_edge_litert",
        "pip install ai-edge-litert",
        (".tflite",),
        load_litert,
        load_litert,
    ),
    "tensorflow": Engine("tensorflow", "pip install tensorflow", (), None),
    "openvino": Engine(
        "openvino",
        "pip install 'vod[openvino]'",
        (".xml", ".onnx", ".tflite"),
        load_openvino,
        load_openvino,
    ),
    "openvino-bf16": Engine(
        "openvino",
        "pip install 'vod[openvino]'",
        (".xml", ".onnx", ".tflite"),
        load_openvino_bf16,
        load_openvino_bf16,
    ),
    "onnxruntime": Engine(
        "onnxruntime",
        "pip install 'vod[onnx]'",
        (".onnx",),
        load_onnxruntime,
        convert=onnx_of,
    ),
}
"""By the names that `--engine` takes."""


def is_installed(engine: str) -> bool:
    """Say whether an engine's package is there."""
    return importlib.util.find_spec(ENGINES[engine].package) is not None


def require_engine(engine: str) -> Engine:
    """Give an engine that can be used.

    Raises:
        ConfigError: there is none of this name.
        DependencyError: it is not installed.
    """
    if engine not in ENGINES:
        raise ConfigError(f"unknown engine '{engine}'.{nearest(engine, list(ENGINES))}")
    if not is_installed(engine):
        raise DependencyError(
            f"the engine '{engine}' is not installed: {ENGINES[engine].install}"
        )
    return ENGINES[engine]


def resizes(engine: str) -> bool:
    """Say whether an engine runs a graph at other sizes than it was exported for.

    Raises:
        ConfigError: there is none of this name.
        DependencyError: it is not installed.
    """
    return require_engine(engine).load_resized is not None


def load_graph(
    path: Path,
    *,
    engine: EngineName = "litert",
    threads: int = 2,
    input_size: Size | None = None,
) -> LoadedGraph:
    """Load a graph file, ready to run: float32 on every engine but `openvino-bf16`.

    A `.tflite` graph serves every engine: OpenVINO reads it as it is, and for ONNX
    Runtime it is converted once into the user's cache.

    Args:
        path: `.tflite`, `.onnx` or OpenVINO's `.xml`.
        engine: a key of `ENGINES`, other than `tensorflow`.
        threads: CPU threads a call.
        input_size: (rows, columns) of the pictures that go in, for a graph of
            convolutions alone, which computes at any size what a graph exported for
            that size does; None is the size it was exported for.

    Raises:
        ConfigError: unknown engine, or one that runs no files, or not at other sizes.
        DependencyError: the engine is not installed.
        WeightsError: the file is missing, or not a graph for this engine and size.
    """
    found = require_engine(engine)
    if found.load is None:
        raise ConfigError(
            f"the engine '{engine}' runs Keras models, not files like {path.name}."
        )
    if input_size is None:
        return found.load(_runnable(path, engine, found), threads=threads)
    if found.load_resized is None:
        raise ConfigError(
            f"the engine '{engine}' runs {path.name} at the size it was exported for "
            "only: choose --engine litert."
        )
    path = _runnable(path, engine, found)
    return found.load_resized(path, threads=threads, input_size=input_size)


def _runnable(path: Path, name: str, engine: Engine) -> Path:
    """Give the file that the engine runs: this one, or what is converted of it."""
    if not path.is_file():
        raise WeightsError(f"{path} is missing. Restore it or export it again.")
    if path.suffix in engine.suffixes:
        return path
    if engine.convert is None or path.suffix != ".tflite":
        raise WeightsError(
            f"{path.name} is not for the engine '{name}', which runs "
            f"{', '.join(engine.suffixes)}; export it in such a format."
        )
    return engine.convert(path)
