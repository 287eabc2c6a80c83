"""Detectors by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from detector.detector import Detector
from detector.from_graphs import (
    DetectorDescription,
    detector_of_features,
    detector_of_graphs,
)
from detector.network_config import (
    DetectorConfig,
    map_specs,
    resized,
    runs_any_size,
    ssd_config,
)
from detector.recorded import NETWORKS, SSD_MOBILENET_V1, config_of
from detector.ssd_config import SsdConfig
from detector.ssd_head import SsdHead
from vod.config import nearest
from vod.engine import EngineName, load_graph, resizes, tensorflow_graph
from vod.errors import ConfigError, WeightsError
from vod.sizes import Size
from vod.types import FloatArray
from vod.weights import (
    WEIGHTS_FILE,
    Precision,
    WeightsRecord,
    graph_role,
    read_record,
    verified_file,
)

SHIPPED_WEIGHTS: Final = Path(__file__).parent / "weights"

EXPORTERS: Final = {"features_int8": "detector.export_int8"}
"""By role of a graph, the module that writes it where it is not `detector.export`."""


@dataclass(frozen=True, slots=True)
class DetectorRequest:
    """What a detector is loaded from, and how it is to run; see `load_detector`."""

    folder: Path
    record: WeightsRecord
    engine: EngineName
    threads: int
    precision: Precision
    size: Size | None


def load_detector(
    name: str,
    *,
    weights: Path | None = None,
    engine: EngineName = "litert",
    threads: int = 2,
    precision: Precision = "fp32",
    size: Size | None = None,
) -> Detector:
    """Load a detector, ready to run.

    Args:
        name: a key of `DETECTORS`.
        weights: a weights folder, whose record states config and classes; None is the
            one that is shipped under this name.
        engine: `"tensorflow"` builds the Keras models and compiles them; the others run
            the exported graphs, see `vod.engine.ENGINES`.
        threads: CPU threads.
        precision: of the first half's graph; the second half decodes coordinates and is
            always float32.
        size: (rows, columns) of the pictures; None is as the record says. Another size
            needs the engine `tensorflow`, or one that `vod.engine.resizes` and an SSD
            (`has_any_size`), or else graphs of that size (`propagate.export`).

    Raises:
        ConfigError: unknown name or engine, or a size or precision that the engine
            does not run.
        DependencyError: the engine is not installed.
        WeightsError: a file is missing, altered or of another network.
    """
    folder = weights_folder(name, weights)
    record = read_record(folder, network=name)
    request = DetectorRequest(folder, record, engine, threads, precision, size)
    return DETECTORS[name](request)


def weights_folder(name: str, weights: Path | None) -> Path:
    """Give a detector's weights folder: the one stated, or the one that is shipped.

    Raises:
        ConfigError: unknown name, or none is shipped under it.
    """
    if name not in DETECTORS:
        known = nearest(name, list(DETECTORS))
        raise ConfigError(f"unknown detector '{name}'.{known}")
    if weights is None and name != SSD_MOBILENET_V1:
        raise ConfigError(
            f"no weights are shipped of the detector '{name}': name a weights folder, "
            "detector.weights=DIR."
        )
    return weights if weights is not None else SHIPPED_WEIGHTS / name


def graph_file(folder: Path, record: WeightsRecord, role: str) -> Path:
    """Give the file of a graph, such as `features`, `features_int8` or `head`.

    Raises:
        WeightsError: it is missing or altered.
    """
    if role not in record.graphs:
        module = EXPORTERS.get(role, "detector.export")
        raise WeightsError(
            f"{folder} has no exported graph '{role}'. Run: python -m {module} {folder}"
        )
    return verified_file(folder, record.graphs[role].file, record)


def has_any_size(folder: Path, record: WeightsRecord, precision: Precision) -> bool:
    """Say whether a weights folder's graphs run pictures of any size.

    Args:
        folder: of the weights.
        record: the folder's.
        precision: of the first half's graph, which alone is needed.

    Raises:
        WeightsError: the record's config is wrong.
    """
    has_graph = graph_role("features", precision) in record.graphs
    return has_graph and runs_any_size(config_of(folder, record))


def ssd_config_of(folder: Path, record: WeightsRecord) -> SsdConfig:
    """Give the checked config of an SSD's weights folder.

    Raises:
        WeightsError: the record's config is wrong, or does not fit its classes or its
            preprocessing.
    """
    return ssd_config(config_of(folder, record))


def _load(request: DetectorRequest) -> Detector:
    folder, record = request.folder, request.record
    config = config_of(folder, record)
    recorded = (config.input_height, config.input_width)
    height, width = request.size or recorded
    config = resized(config, height, width)
    description = DetectorDescription(
        name=record.network,
        classes=record.classes,
        preprocessing=replace(record.preprocessing, height=height, width=width),
        maps=map_specs(config),
    )
    if request.engine == "tensorflow":
        if request.precision == "int8":
            raise ConfigError(
                "the engine 'tensorflow' runs float32 only: choose --engine litert for "
                "int8."
            )
        return _keras_detector(description, config, request)
    if (height, width) != recorded:
        return _resized_detector(description, config, request)
    features, head = (
        load_graph(
            graph_file(folder, record, role),
            engine=request.engine,
            threads=request.threads,
        )
        for role in (graph_role("features", request.precision), "head")
    )
    return detector_of_graphs(description, features, head, remedy=_remedy(folder))


def _resized_detector(
    description: DetectorDescription, config: DetectorConfig, request: DetectorRequest
) -> Detector:
    folder, record, engine = request.folder, request.record, request.engine
    size = (config.input_height, config.input_width)
    if not (resizes(engine) and has_any_size(folder, record, request.precision)):
        stated = f"{size[0]}x{size[1]}"
        raise ConfigError(
            f"{folder} has no graphs that the engine '{engine}' runs at {stated}. Run: "
            f"python -m propagate.export --size {stated} --out DIR, and give DIR as "
            "--bundle."
        )
    features = load_graph(
        graph_file(folder, record, graph_role("features", request.precision)),
        engine=engine,
        threads=request.threads,
        input_size=size,
    )
    head = SsdHead(ssd_config(config))
    return detector_of_features(description, features, head, remedy=_remedy(folder))


def _remedy(folder: Path) -> str:
    return f"Export it again: python -m detector.export {folder}"


def _keras_detector(
    description: DetectorDescription, config: DetectorConfig, request: DetectorRequest
) -> Detector:
    from detector.network import load_halves

    weights = verified_file(request.folder, WEIGHTS_FILE, request.record)
    features, head = (
        tensorflow_graph(model, threads=request.threads)
        for model in load_halves(config, weights, batch_size=1)
    )

    def boxes_and_scores(*maps: FloatArray) -> tuple[FloatArray, FloatArray]:
        boxes, scores = head(*maps)
        return boxes, scores

    return Detector(
        name=description.name,
        classes=description.classes,
        preprocessing=description.preprocessing,
        maps=description.maps,
        features=features,
        head=boxes_and_scores,
    )


Loader = Callable[[DetectorRequest], Detector]

DETECTORS: Final[Mapping[str, Loader]] = dict.fromkeys(NETWORKS, _load)
"""Name to loader; the name is also the folder of the shipped weights, if there are."""
