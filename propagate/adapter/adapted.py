"""A detector whose second half sees warped maps corrected; TensorFlow not needed."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

from detector.detector import Detector
from detector.postprocess import PostprocessConfig
from propagate.adapter.config import AdapterConfig
from vod.config import from_mapping
from vod.engine import EngineName, load_graph
from vod.errors import ConfigError, WeightsError
from vod.graph import Graph
from vod.types import Detections, FloatArray
from vod.weights import read_record, verified_file

NETWORK: Final = "maps_adapter"


class OwnMaps(tuple[FloatArray, ...]):
    """Maps as the first half made them: others have travelled."""

    __slots__ = ()


@dataclass(frozen=True, eq=False, slots=True)
class AdaptedDetector(Detector):
    """A detector that corrects maps which are not its own first half's.

    Attributes:
        adapter: maps, as separate arguments, to maps of the same shapes.
    """

    adapter: Graph

    @classmethod
    def of(cls, detector: Detector, adapter: Graph) -> Self:
        """Put an adapter before the second half of a detector."""
        values = {item.name: getattr(detector, item.name) for item in fields(detector)}

        def features(image: Any) -> tuple[FloatArray, ...]:
            return OwnMaps(detector.features(image))

        return cls(**values | {"features": features}, adapter=adapter)

    def detect(
        self,
        maps: Any,
        *,
        frame_height: int,
        frame_width: int,
        postprocess: PostprocessConfig,
    ) -> Detections:
        """See `Detector.detect`."""
        if not isinstance(maps, OwnMaps):
            maps = self.adapter(*maps)
        return Detector.detect(
            self,
            maps,
            frame_height=frame_height,
            frame_width=frame_width,
            postprocess=postprocess,
        )


def load_adapted(
    detector: Detector, folder: Path, *, engine: EngineName, threads: int = 2
) -> AdaptedDetector:
    """Put an adapter from its exported graph into a detector.

    Args:
        detector: of the maps that the adapter was trained on.
        folder: the adapter's weights folder.
        engine: see `vod.engine.ENGINES`; `tensorflow` runs the same graph in LiteRT.
        threads: CPU threads.

    Raises:
        DependencyError: the engine is not installed.
        WeightsError: a file is missing or altered, or the maps are others.
    """
    config, record = config_of(folder), read_record(folder, network=NETWORK)
    maps = tuple((spec.height, spec.width, spec.channels) for spec in detector.maps)
    if config.maps != maps:
        raise WeightsError(
            f"{folder} adapts maps {config.maps}, but {detector.name} has {maps}. Use "
            "the size and seam of the detector that it was trained with."
        )
    if NETWORK not in record.graphs:
        raise WeightsError(
            f"{folder} has no exported graph '{NETWORK}'. Run: python -m "
            f"propagate.adapter.export {folder}"
        )
    path = verified_file(folder, record.graphs[NETWORK].file, record)
    runs: EngineName = "litert" if engine == "tensorflow" else engine
    return AdaptedDetector.of(detector, load_graph(path, engine=runs, threads=threads))


def config_of(folder: Path) -> AdapterConfig:
    """Give the checked config of an adapter's weights folder.

    Raises:
        WeightsError: the record is missing, or its config wrong.
    """
    record = read_record(folder, network=NETWORK)
    try:
        return from_mapping(AdapterConfig, record.config, source=f"{folder} config")
    except ConfigError as error:
        raise WeightsError(f"the record of {folder} is wrong: {error}") from error
