"""Read a bundle of exported graphs, and make of it what the frame path runs.

See `propagate.manifest`; `python -m propagate.export` writes them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from detector.detector import Detector
from detector.from_graphs import DetectorDescription, detector_of_graphs
from flow.estimator import NetworkFlow
from flow.registry import flow_of_graph
from propagate.manifest import BundleFormat, Manifest, read_manifest
from vod.engine import EngineName, load_graph
from vod.engine_saved_model import SavedModelGraph
from vod.errors import ConfigError, WeightsError
from vod.graph import LoadedGraph
from vod.weights import sha256_of

RUNS_ON: Final[dict[BundleFormat, tuple[EngineName, ...]]] = {
    "litert": ("litert", "openvino", "openvino-bf16", "onnxruntime"),
    "onnx": ("onnxruntime", "openvino", "openvino-bf16"),
    "openvino": ("openvino", "openvino-bf16"),
    "savedmodel": ("tensorflow",),
}
"""The engines that run each format; the first is its own."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files are all there and unchanged.

    Attributes:
        folder: where it lies.
        manifest: what it says of itself.
    """

    folder: Path
    manifest: Manifest

    def engine_for(self, name: EngineName) -> EngineName:
        """Give the engine to run on: the wanted one, or the format's own for `litert`.

        LiteRT is the default of every config, so it does not count as a wish.

        Raises:
            ConfigError: the wanted one does not run this format.
        """
        able = RUNS_ON[self.manifest.format]
        if name in able:
            return name
        if name == "litert":
            return able[0]
        raise ConfigError(
            f"{self.folder} holds graphs for {self.manifest.format}, which the engine "
            f"'{name}' does not run: choose --engine {' or '.join(able)}."
        )

    def graph(self, role: str, *, engine: EngineName, threads: int) -> LoadedGraph:
        """Load `features`, `head` or `flow`.

        Raises:
            DependencyError: the engine is not installed.
            WeightsError: there is no such graph, or it is not runnable.
        """
        if role not in self.manifest.graphs:
            raise WeightsError(
                f"{self.folder} has no {role} graph. Choose --flow dis-ultrafast, or "
                f"run: {self.manifest.command} --flow lightflow"
            )
        described = self.manifest.graphs[role]
        path = self.folder / described.file
        if self.manifest.format == "savedmodel":
            inputs, outputs = (
                [tensor.name for tensor in tensors]
                for tensors in (described.inputs, described.outputs)
            )
            return SavedModelGraph(path, inputs, outputs, threads=threads)
        return load_graph(path, engine=engine, threads=threads)

    def detector(self, *, engine: EngineName, threads: int) -> Detector:
        """Load both halves of the detector.

        Raises:
            DependencyError: the engine is not installed.
            WeightsError: a graph is not runnable, or is not of the stated size.
        """
        manifest = self.manifest
        description = DetectorDescription(
            name=manifest.detector,
            classes=manifest.classes,
            preprocessing=manifest.preprocessing,
            maps=manifest.maps,
        )
        features, head = (
            self.graph(role, engine=engine, threads=threads)
            for role in ("features", "head")
        )
        remedy = f"Make it again: {manifest.command}"
        return detector_of_graphs(description, features, head, remedy=remedy)

    def flow(self, *, engine: EngineName, threads: int) -> NetworkFlow:
        """Load the flow network.

        Raises:
            DependencyError: the engine is not installed.
            WeightsError: there is none, or it is not of the stated size.
        """
        graph = self.graph("flow", engine=engine, threads=threads)
        described = self.manifest.flow
        if described is None:
            raise WeightsError(f"{self.folder} does not describe its flow graph.")
        return flow_of_graph(
            graph,
            height=described.preprocessing.height,
            width=described.preprocessing.width,
            remedy=f"Make it again: {self.manifest.command}",
        )


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle's manifest and check every file against it.

    Raises:
        WeightsError: it is no bundle or of another version, or a file is missing or
            changed.
    """
    manifest = read_manifest(folder)
    for name, digest in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise WeightsError(
                f"{path} is missing from the bundle. Make it again: {manifest.command}"
            )
        if sha256_of(path) != digest:
            raise WeightsError(
                f"{path} has changed since the bundle was made (sha256 differs). Make "
                f"it again: {manifest.command}"
            )
    for graph in manifest.graphs.values():
        if not any(
            name == graph.file or name.startswith(f"{graph.file}/")
            for name in manifest.files
        ):
            raise WeightsError(
                f"{folder} does not vouch for {graph.file} by a sha256. Make it again: "
                f"{manifest.command}"
            )
    return Bundle(folder, manifest)
