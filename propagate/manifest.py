"""What a bundle says of itself: `manifest.json`.

A bundle is a folder with the graphs of one format, precision and input size, and with
everything that a program in any language needs to know to run them.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from detector.features import FeatureSpec
from detector.postprocess import PostprocessConfig
from vod.config import from_mapping, to_mapping
from vod.errors import ConfigError, WeightsError
from vod.preprocess import Preprocessing
from vod.weights import Precision

FORMAT_VERSION: Final = 1
"""Goes up where an older reader would read a bundle wrongly."""

MANIFEST_FILE: Final = "manifest.json"

BundleFormat = Literal["litert", "onnx", "openvino", "savedmodel"]
FORMATS: Final[tuple[BundleFormat, ...]] = get_args(BundleFormat)
PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)


@dataclass(frozen=True, slots=True)
class TensorDescription:
    """One input or output of a graph.

    Attributes:
        name: in the graph.
        shape: batch 1, channels last.
        dtype: `float32` or `uint8`.
        meaning: what its values are, with units.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    meaning: str


@dataclass(frozen=True, slots=True)
class BundleGraph:
    """One graph.

    Attributes:
        file: in the bundle; a folder for `savedmodel`.
        inputs: in the graph's own order.
        outputs: in the graph's own order.
        error: largest RMS difference of an output from Keras on real frames, relative
            to its standard deviation.
        float_layers: of an int8 graph, the layers that stay in float32.
    """

    file: str
    inputs: tuple[TensorDescription, ...]
    outputs: tuple[TensorDescription, ...]
    error: float
    float_layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BundleFlow:
    """The flow network of a bundle.

    Attributes:
        name: registry name.
        preprocessing: from the detector's picture to both of the flow's.
    """

    name: str
    preprocessing: Preprocessing


@dataclass(frozen=True, slots=True)
class Manifest:
    """See the module.

    Attributes:
        format_version: of this file's layout.
        format: of the graphs.
        precision: see `vod.weights.Precision`.
        detector: registry name.
        classes: names in label order.
        preprocessing: from a frame to the input of `features`.
        maps: what goes from `features` to `head`, in order.
        graphs: `features`, `head` and, where there is one, `flow`.
        flow: of the flow graph; None without.
        postprocess: defaults from raw boxes to detections.
        notes: conventions in words.
        files: sha256 of every file of the bundle but this one.
        weights: sha256 of the weights files that the graphs were made of.
        versions: of the packages that made them.
        origin: where the weights come from, by network.
        licence: of the weights.
        checks: parity with Keras on real frames, mAP before and after where asked for.
    """

    format_version: int
    format: BundleFormat
    precision: Precision
    detector: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    maps: tuple[FeatureSpec, ...]
    graphs: dict[str, BundleGraph]
    postprocess: PostprocessConfig
    files: dict[str, str]
    weights: dict[str, str]
    versions: dict[str, str | None]
    origin: dict[str, str]
    licence: str
    flow: BundleFlow | None = None
    notes: dict[str, str] = field(default_factory=dict)
    checks: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        missing = {"features", "head"} - self.graphs.keys()
        if missing or (self.flow is None) != ("flow" not in self.graphs):
            raise ConfigError(
                f"graphs must be features, head and, with a flow, flow; received "
                f"{', '.join(sorted(self.graphs)) or 'none'}."
            )

    @property
    def size(self) -> str:
        """Rows and columns of the detector's input, as on the command line."""
        return f"{self.preprocessing.height}x{self.preprocessing.width}"

    @property
    def command(self) -> str:
        """Say how such a bundle is made, for error messages."""
        return (
            f"python -m propagate.export --format {self.format} --precision "
            f"{self.precision} --size {self.size} --out DIR"
        )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` into a bundle that is being made."""
    text = json.dumps(to_mapping(manifest), indent=1) + "\n"
    (folder / MANIFEST_FILE).write_text(text, encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read and check `manifest.json`.

    Raises:
        WeightsError: it is missing, not a manifest, or of another version.
    """
    path = folder / MANIFEST_FILE
    again = "make it again: python -m propagate.export --out DIR"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(
            f"{folder} is no bundle: {MANIFEST_FILE} cannot be read "
            f"({error.strerror}); {again}"
        ) from error
    except ValueError as error:
        raise WeightsError(f"{path} is not JSON ({error}); {again}") from error
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise WeightsError(
            f"{path} is of version {version}, this program reads version "
            f"{FORMAT_VERSION}; {again}"
        )
    try:
        return from_mapping(Manifest, values, source=str(path))
    except ConfigError as error:
        raise WeightsError(f"{error} The bundle is damaged; {again}") from error
