"""Detectors by name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from detector.detector import Detector
from detector.ssd_config import SsdConfig, map_specs
from vod.config import from_mapping, nearest
from vod.engine import EngineName, Graph, load_graph, tensorflow_graph
from vod.errors import ConfigError, WeightsError
from vod.types import FloatArray
from vod.weights import WEIGHTS_FILE, WeightsRecord, read_record, verified_file

Halves = tuple[Graph, Graph]

SHIPPED_WEIGHTS: Final = Path(__file__).parent / "weights"


def load_detector(
    name: str,
    *,
    weights: Path | None = None,
    engine: EngineName = "litert",
    threads: int = 2,
) -> Detector:
    """Load a detector, ready to run.

    Args:
        name: a key of `DETECTORS`.
        weights: a weights folder, whose record states config and classes; None is the
            one that is shipped under this name.
        engine: `"tensorflow"` builds the Keras models and compiles them; the others run
            the exported graphs, see `vod.engine.ENGINES`.
        threads: CPU threads.

    Raises:
        ConfigError: unknown name or engine.
        DependencyError: the engine is not installed.
        WeightsError: a file is missing, altered or of another network.
    """
    folder = weights_folder(name, weights)
    record = read_record(folder, network=name)
    return DETECTORS[name](folder, record, engine, threads)


def weights_folder(name: str, weights: Path | None) -> Path:
    """Give a detector's weights folder: the one stated, or the one that is shipped.

    Raises:
        ConfigError: unknown name.
    """
    if name not in DETECTORS:
        known = nearest(name, list(DETECTORS))
        raise ConfigError(f"unknown detector '{name}'.{known}")
    return weights if weights is not None else SHIPPED_WEIGHTS / name


def graph_files(name: str, weights: Path | None = None) -> list[Path]:
    """Give the files that a detector's key frames run: first half, second half.

    Raises:
        ConfigError: unknown name.
        WeightsError: a file is missing, altered or of another network.
    """
    folder = weights_folder(name, weights)
    return _graph_files(folder, read_record(folder, network=name))


def ssd_config_of(folder: Path, record: WeightsRecord) -> SsdConfig:
    """Give the checked config of an SSD's weights folder.

    Raises:
        WeightsError: the record's config is wrong, or does not fit its classes or its
            preprocessing.
    """
    try:
        config = from_mapping(SsdConfig, record.config, source=f"{folder} config")
    except ConfigError as error:
        raise WeightsError(f"the record of {folder} is wrong: {error}") from error
    if len(record.classes) != config.class_count:
        raise WeightsError(
            f"the record of {folder} names {len(record.classes)} classes, but its "
            f"config says class_count {config.class_count}."
        )
    wanted = (record.preprocessing.height, record.preprocessing.width)
    if wanted != (config.input_height, config.input_width):
        raise WeightsError(
            f"the record of {folder} prepares pictures of {wanted}, but its config "
            f"takes {(config.input_height, config.input_width)}."
        )
    return config


def _load_ssd(
    folder: Path, record: WeightsRecord, engine: EngineName, threads: int
) -> Detector:
    config = ssd_config_of(folder, record)
    if engine == "tensorflow":
        features, head = _tensorflow_halves(folder, record, config, threads)
    else:
        features, head = _graph_halves(folder, record, config, engine, threads)

    def boxes_and_scores(*maps: FloatArray) -> tuple[FloatArray, FloatArray]:
        boxes, scores = head(*maps)
        return boxes, scores

    return Detector(
        name=record.network,
        classes=record.classes,
        preprocessing=record.preprocessing,
        maps=map_specs(config),
        features=features,
        head=boxes_and_scores,
    )


def _graph_halves(
    folder: Path,
    record: WeightsRecord,
    config: SsdConfig,
    engine: EngineName,
    threads: int,
) -> Halves:
    features, head = (
        load_graph(path, engine=engine, threads=threads)
        for path in _graph_files(folder, record)
    )
    expected = [
        (1, spec.height, spec.width, spec.channels) for spec in map_specs(config)
    ]
    for name, shapes in (
        ("features", features.output_shapes),
        ("head", head.input_shapes),
    ):
        if shapes != expected:
            raise WeightsError(
                f"{folder}: graph '{name}' has maps {shapes}, its record says "
                f"{expected}. Export it again: python -m detector.export {folder}"
            )
    return features, head


def _graph_files(folder: Path, record: WeightsRecord) -> list[Path]:
    files = []
    for role in ("features", "head"):
        if role not in record.graphs:
            raise WeightsError(
                f"{folder} has no exported graph '{role}'. Run: "
                f"python -m detector.export {folder}"
            )
        files.append(verified_file(folder, record.graphs[role].file, record))
    return files


def _tensorflow_halves(
    folder: Path, record: WeightsRecord, config: SsdConfig, threads: int
) -> Halves:
    from detector.ssd import load_ssd

    weights = verified_file(folder, WEIGHTS_FILE, record)
    features, head = load_ssd(config, weights, batch_size=1)
    return (
        tensorflow_graph(features, threads=threads),
        tensorflow_graph(head, threads=threads),
    )


Loader = Callable[[Path, WeightsRecord, EngineName, int], Detector]

DETECTORS: Final[Mapping[str, Loader]] = {"ssd_mobilenet_v1": _load_ssd}
"""Name to loader; the name is also the folder of the shipped weights."""
