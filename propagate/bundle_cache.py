"""Graphs of sizes and precisions that do not ship: made once, then found again."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import flow.registry
from detector.registry import weights_folder
from propagate.bundle import Bundle, read_bundle
from propagate.manifest import FORMAT_VERSION, MANIFEST_FILE, BundleFormat
from vod.errors import DependencyError, WeightsError
from vod.sizes import Size
from vod.user_cache import cache_folder
from vod.weights import WEIGHTS_FILE, Precision, read_record

REVISION: Final = 3
"""Goes up where the same weights would be exported otherwise."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which graphs are wanted.

    Attributes:
        detector: registry name.
        detector_weights: a weights folder; None is the shipped one.
        flow: registry name of a flow network; None where no graph is needed for it.
        flow_weights: its weights folder; None is the shipped one.
        flow_share: side of its input as a share of the detector's; None is its own.
        size: (rows, columns) of the detector's input; None is as its weights say.
        precision: see `vod.weights.Precision`.
        format: see `propagate.manifest`.
    """

    detector: str
    detector_weights: Path | None
    flow: str | None
    flow_weights: Path | None
    flow_share: float | None
    size: Size | None
    precision: Precision
    format: BundleFormat = "litert"

    def folder(self) -> Path:
        """Say where such a bundle lies in the user's cache, or will.

        Raises:
            ConfigError: unknown detector.
            VideoError: there can be no cache.
            WeightsError: a weights folder is none.
        """
        folders = [weights_folder(self.detector, self.detector_weights)]
        if self.flow is not None:
            folders.append(flow.registry.weights_folder(self.flow, self.flow_weights))
        records = [read_record(folder) for folder in folders]
        pictures = records[0].preprocessing
        height, width = self.size or (pictures.height, pictures.width)
        key = {
            "weights": [record.files.get(WEIGHTS_FILE) for record in records],
            "flow_share": self.flow_share,
            "size": [height, width],
            "precision": self.precision,
            "format": self.format,
            "version": [FORMAT_VERSION, REVISION],
        }
        digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]
        name = f"{self.detector}_{height}x{width}_{self.precision}_{digest}"
        return cache_folder("bundles") / name

    def command(self, out: Path) -> list[str]:
        """Give the command line that makes the bundle."""
        command = [sys.executable, "-m", "propagate.export", "--out", str(out)]
        command += ["--format", self.format, "--precision", self.precision]
        if self.size is not None:
            command += ["--size", f"{self.size[0]}x{self.size[1]}"]
        if self.flow is not None:
            command += ["--flow", self.flow]
        settings = {
            "detector.name": self.detector,
            "detector.weights": self.detector_weights,
            "flow.weights": self.flow_weights,
            "flow.input_share": self.flow_share,
        }
        for key, value in settings.items():
            if value is not None:
                absolute = value.resolve() if isinstance(value, Path) else value
                command += ["--set", f"{key}={absolute}"]
        return command


def cached_bundle(wish: Wish) -> Bundle:
    """Give the wanted bundle; make it in a process of its own where there is none.

    That process imports TensorFlow and calibrates on `sample:bikes`, ours does not.

    Raises:
        ConfigError: unknown detector.
        DependencyError: it cannot be made without a package.
        VideoError: the cache cannot be written.
        WeightsError: weights are missing or altered, or the graphs differ from Keras.
    """
    folder = wish.folder()
    if (folder / MANIFEST_FILE).exists():
        try:
            return read_bundle(folder)
        except WeightsError as error:
            sys.stderr.write(f"the cached graphs are made again: {error}\n")
            shutil.rmtree(folder, ignore_errors=True)
    sys.stderr.write(
        f"making graphs of this size and precision with TensorFlow, once (about a "
        f"minute): {folder}\n"
    )
    _make(wish, folder)
    return read_bundle(folder)


def _make(wish: Wish, folder: Path) -> None:
    # The program may run from a folder that is not on the child's path.
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    done = subprocess.run(
        wish.command(folder),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    told = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    if not told:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise WeightsError(
            f"the graphs could not be made ({last}). Run it by hand to see why: "
            f"{' '.join(wish.command(folder)[1:])}"
        )
    sentence = told[-1].removeprefix("error: ")
    kind = DependencyError if "pip install" in sentence else WeightsError
    raise kind(f"graphs of this size and precision cannot be made here: {sentence}")
