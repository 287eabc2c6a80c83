"""Make an `.onnx` graph of a `.tflite` graph, once, in the user's cache."""

import importlib.util
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Final

from vod.errors import DependencyError, WeightsError
from vod.files import PendingFile
from vod.user_cache import cache_folder
from vod.weights import sha256_of

logger = logging.getLogger(__name__)

OPSET: Final = 17

FORMAT: Final = 1  # goes up where the same graph would be written otherwise

PACKAGES: Final = ("onnx", "tf2onnx", "tensorflow")


def cached_onnx(graph: Path) -> Path:
    """Say where the `.onnx` of a `.tflite` file is, or will be; see `onnx_of`.

    Raises:
        WeightsError: the graph cannot be read.
        VideoError: there can be no cache.
    """
    try:
        digest = sha256_of(graph)
    except OSError as error:
        raise WeightsError(f"{graph} cannot be read ({error.strerror}).") from error
    name = f"{graph.stem}-{digest[:24]}-{OPSET}.{FORMAT}.onnx"
    return cache_folder("onnx") / name


def onnx_of(graph: Path) -> Path:
    """Give a `.tflite` graph as an `.onnx` file that computes the same.

    It takes and gives the same arrays in the same order. It is made by TensorFlow's
    tools in about 20 s and found again by the graph's sha256.

    Raises:
        DependencyError: a package that converts is not installed.
        WeightsError: the file is not such a graph.
        VideoError: the cache cannot be written.
    """
    path = cached_onnx(graph)
    if path.exists():
        return path
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise DependencyError(
                f"making an .onnx graph of {graph.name} needs {package}, which is not "
                "installed: pip install 'vod[onnx]'"
            )
    logger.warning("making %s of %s, once; this takes about 20 s", path, graph.name)
    pending = PendingFile(path)
    try:
        _convert_apart(graph, pending.temporary)
        pending.commit()
    finally:
        pending.discard()
    return path


def _convert_apart(graph: Path, target: Path) -> None:
    """Convert in a process of its own, as TensorFlow never gives its memory back."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "vod.onnx_conversion", str(graph), str(target)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["it was ended"])[-1]
        raise WeightsError(
            f"{graph} is not a .tflite graph that can be made into .onnx ({reason})."
        )


def convert(graph: Path, target: Path) -> None:
    """Write a `.tflite` graph as `.onnx`, with TensorFlow's tools in this process."""
    import onnx
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # tf2onnx names NumPy types that are deprecated; it still converts rightly.
        warnings.simplefilter("ignore")
        model, _ = tf2onnx.convert.from_tflite(str(graph), opset=OPSET)
    onnx.save_model(model, target)


if __name__ == "__main__":
    convert(*map(Path, sys.argv[1:]))
