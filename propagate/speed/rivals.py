"""The detector's own network, run by what people run networks with instead.

The same weights, preprocessing and post-processing: only the runtime differs. The
whole network is one ONNX graph here, built once and kept in the cache.
"""

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np

from detector.detector import Detector
from detector.registry import weights_folder
from propagate.detector_choice import DetectorChoice
from vod.engine import load_graph
from vod.errors import WeightsError
from vod.types import ByteArray, FloatArray
from vod.user_cache import cache_folder
from vod.weights import WEIGHTS_FILE, read_record, verified_file

Rival = Literal["opencv-dnn", "onnxruntime"]
Network = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""Normalised `(1, H, W, 3)` picture to boxes `(1, N, 4)` and scores `(1, N, C)`."""

OUTPUTS: Final = ("boxes", "scores")


def rival_detector(
    rival: Rival, detector: Detector, choice: DetectorChoice, *, threads: int
) -> Detector:
    """Give a detector whose whole network another runtime runs.

    What goes between the halves is the picture itself: nothing is propagated.

    Raises:
        DependencyError: the runtime, or what writes ONNX, is not installed.
        WeightsError: the weights are missing or altered, or the runtime refuses them.
    """
    run = RIVALS[rival](onnx_graph(detector, choice), threads)
    return replace(
        detector,
        preprocessing=replace(detector.preprocessing, as_pixels=False),
        features=_picture_alone,
        head=run,
    )


def _picture_alone(image: FloatArray | ByteArray) -> tuple[FloatArray, ...]:
    return (image.astype(np.float32, copy=False),)


def onnx_graph(detector: Detector, choice: DetectorChoice) -> Path:
    """Give the detector's network as one `.onnx` file, from the cache or made now.

    Raises:
        DependencyError: a package of the extra `onnx` is not installed.
        WeightsError: the weights are missing or altered.
    """
    folder = weights_folder(choice.name, choice.weights)
    record = read_record(folder)
    size = f"{detector.preprocessing.height}x{detector.preprocessing.width}"
    weights = verified_file(folder, WEIGHTS_FILE, record)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:16]
    path = cache_folder("benchmark") / f"{choice.name}_{size}_{digest}.onnx"
    if not path.exists():
        height, width = detector.preprocessing.height, detector.preprocessing.width
        # In a process of its own: TensorFlow must not take part in what is measured.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(export, (folder, height, width, path))
    return path


def export(folder: Path, height: int, width: int, path: Path) -> None:
    """Write a weights folder's network for one input size as an `.onnx` file.

    Raises:
        DependencyError: a package of the extra `onnx` is not installed.
        WeightsError: the weights are missing or altered.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow loads
    from vod.export_onnx import export_onnx, require_onnx

    require_onnx()
    import keras

    from detector.models import load_models

    models = load_models(folder, size=(height, width))
    image = keras.Input(batch_shape=(1, height, width, 3), name="image")
    named = [
        keras.layers.Identity(name=name)(tensor)
        for name, tensor in zip(
            OUTPUTS, models.head(models.features(image)), strict=True
        )
    ]
    sample = np.random.default_rng(0).uniform(-1, 1, (1, height, width, 3))
    export_onnx(
        keras.Model(image, named, name=models.record.network),
        path,
        samples=[[sample.astype(np.float32)]],
    )


def _opencv(path: Path, threads: int) -> Network:  # noqa: ARG001 (OpenCV's own choice)
    try:
        network = cv2.dnn.readNetFromONNX(str(path))
    except cv2.error as error:
        raise WeightsError(f"OpenCV {cv2.__version__} cannot read {path}.") from error

    def run(image: FloatArray) -> tuple[FloatArray, FloatArray]:
        network.setInput(image)
        boxes, scores = network.forward(OUTPUTS)
        return boxes, scores

    return run


def _onnxruntime(path: Path, threads: int) -> Network:
    graph = load_graph(path, engine="onnxruntime", threads=threads)

    def run(image: FloatArray) -> tuple[FloatArray, FloatArray]:
        boxes, scores = graph(image)
        return boxes, scores

    return run


RIVALS: Final[Mapping[Rival, Callable[[Path, int], Network]]] = {
    "opencv-dnn": _opencv,
    "onnxruntime": _onnxruntime,
}
"""Name to loader, from a file and a number of threads; OpenCV takes one a core."""
