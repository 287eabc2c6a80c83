"""A flow by name that takes pictures of any size, loaded when a size is first seen."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2

from flow.estimator import FlowEstimator
from flow.field import FlowField
from flow.registry import (
    FLOWS,
    NETWORKS,
    default_passes,
    graph_role,
    load_flow,
    repeated,
    weights_folder,
)
from vod.config import nearest
from vod.engine import EngineName
from vod.engine_litert import native_log_muted
from vod.errors import ConfigError, FlowError, WeightsError
from vod.types import ByteArray, FloatArray
from vod.weights import WEIGHTS_FILE, read_record

logger = logging.getLogger(__name__)

MAX_SCALE = 4


@dataclass(frozen=True, slots=True)
class FlowChoice:
    """Which flow to run, and at which size.

    Attributes:
        name: a key of `FLOWS`.
        weights: a network's weights folder; None is the shipped one.
        scale: sides of the flow's input relative to the pictures'.
        engine: of a network: `"tensorflow"` runs the Keras model; the others run the
            folder's graph of that size, or one built for this run where it has none.
        threads: of a network.
        passes: of a network over a pair; None is the flow's own number.
    """

    name: str
    weights: Path | None = None
    scale: float = 1.0
    engine: EngineName = "litert"
    threads: int = 2
    passes: int | None = None

    def __post_init__(self) -> None:
        if self.passes is not None and self.passes < 1:
            raise ConfigError(f"--passes must be 1 or more, received {self.passes}.")
        if self.name not in FLOWS:
            known = nearest(self.name, list(FLOWS))
            raise ConfigError(f"unknown flow '{self.name}'.{known}")
        if not 0 < self.scale <= MAX_SCALE:
            raise ConfigError(
                f"--scale must lie in (0, {MAX_SCALE}], received {self.scale:g}."
            )
        if self.threads < 1:
            raise ConfigError(f"--threads must be 1 or more, received {self.threads}.")

    @property
    def folder(self) -> Path | None:
        """The weights folder in use; None where the flow has no weights."""
        if self.name not in NETWORKS:
            return None
        return weights_folder(self.name, self.weights)

    @property
    def pass_count(self) -> int:
        """How often the flow looks at a pair."""
        return default_passes(self.name) if self.passes is None else self.passes

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Give rows and columns of the flow's input for pictures of a size."""
        return max(1, round(height * self.scale)), max(1, round(width * self.scale))


def enlarge(field: FlowField, height: int, width: int) -> FloatArray:
    """Give flow at full resolution in its pixels, bilinear between cells."""
    pixels = field.in_pixels(image_height=height, image_width=width)
    full: FloatArray = cv2.resize(
        pixels, (width, height), interpolation=cv2.INTER_LINEAR
    )
    return full


class FlowRunner:
    """Runs one flow on pictures of any size; every input size is loaded once.

    Attributes:
        choice: what it runs.
    """

    def __init__(self, choice: FlowChoice) -> None:
        """Take what to run, and look whether a network's weights are there.

        Raises:
            WeightsError: the weights folder is missing or is not one.
        """
        self.choice = choice
        self._loaded: dict[tuple[int, int], FlowEstimator] = {}
        if choice.folder is not None:
            read_record(choice.folder, network="lightflow")

    def estimator(self, height: int, width: int) -> FlowEstimator:
        """Give the flow for pictures of a size.

        Raises:
            ConfigError: weights for a flow that has none.
            WeightsError: a file is missing or altered.
            FlowError: the pictures are too small for the method.
        """
        size = self.choice.input_size(height, width)
        if size not in self._loaded:
            once = self._load(*size)
            self._loaded[size] = repeated(self.choice.name, once, self.choice.passes)
        return self._loaded[size]

    def __call__(self, current: ByteArray, key: ByteArray) -> FloatArray:
        """Give `(H, W, 2)` flow from current to key, both `(H, W, 3)` uint8 RGB.

        Raises:
            FlowError: the pictures differ in size.
        """
        if current.shape != key.shape:
            raise FlowError(
                f"flow needs two pictures of one size, received {current.shape[:2]} "
                f"and {key.shape[:2]}."
            )
        height, width = current.shape[:2]
        estimator = self.estimator(height, width)
        field = estimator(estimator.prepare(current), estimator.prepare(key))
        return enlarge(field, height, width)

    def _load(self, height: int, width: int) -> FlowEstimator:
        folder = self.choice.folder
        if folder is None or self.choice.engine == "tensorflow":
            return self._load_from(self.choice.weights, height, width)
        record = read_record(folder, network="lightflow")
        if graph_role(height, width) in record.graphs:
            return self._load_from(folder, height, width)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
            copy = _with_graph(folder, height, width, Path(temporary))
            return self._load_from(copy, height, width)

    def _load_from(
        self, weights: Path | None, height: int, width: int
    ) -> FlowEstimator:
        return load_flow(
            self.choice.name,
            input_height=height,
            input_width=width,
            engine=self.choice.engine,
            threads=self.choice.threads,
            weights=weights,
        )


def _with_graph(folder: Path, height: int, width: int, temporary: Path) -> Path:
    """Copy a weights folder and add the graph of one size to the copy.

    In a process of its own: TensorFlow's threads and 300 MB would stay in this one, and
    it cannot be kept from telling every step of the conversion.

    Raises:
        WeightsError: the graph cannot be made.
    """
    size = f"{height}x{width}"
    logger.info(
        "%s has no graph for flow input %s: building one with TensorFlow, which takes "
        "some seconds. To keep it: python -m flow.export %s --size %s",
        *(folder, size, folder, size),
    )
    copy = temporary / folder.name
    shutil.copytree(folder, copy)
    done = subprocess.run(
        [sys.executable, "-m", "flow.export", str(copy), "--size", size],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        reason = reason.replace(str(copy), str(folder))
        raise WeightsError(f"no graph of {folder} can be built for {size}: {reason}")
    return copy


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What a network is, for a report.

    Attributes:
        gflops: arithmetic of one pair at one input size; a multiply-add counts 2.
        parameters: values that training sets, as run (normalisations folded).
        weights_sha256: of its weights file.
        origin: where its record says the weights come from.
    """

    gflops: float
    parameters: int
    weights_sha256: str
    origin: str


def network_facts(folder: Path, height: int, width: int) -> NetworkFacts:
    """Count the arithmetic of the network in a weights folder at one input size.

    Raises:
        WeightsError: the folder holds no such network.
    """
    record = read_record(folder, network="lightflow")
    with native_log_muted():  # TensorFlow's first import says much
        from flow.lightflow import build_lightflow, read_lightflow
        from vod.complexity import count_multiply_adds

        _, config = read_lightflow(folder)
        model = build_lightflow(config, height, width, folded=True)
    return NetworkFacts(
        gflops=2 * count_multiply_adds(model) / 1e9,
        parameters=model.count_params(),
        weights_sha256=record.files.get(WEIGHTS_FILE, ""),
        origin=record.origin,
    )
