"""Make a bundle: graphs, manifest, README and a runner, or nothing at all."""

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Final

from propagate.bundle import read_bundle
from propagate.bundle_check import check_bundle
from propagate.bundle_graphs import GraphSource, check_combination, write_graph
from propagate.bundle_sources import BundleSources, bundle_sources
from propagate.bundle_text import NOTES, README, meaning_of
from propagate.config import PipelineConfig
from propagate.manifest import (
    FORMAT_VERSION,
    MANIFEST_FILE,
    BundleFormat,
    BundleGraph,
    Manifest,
    TensorDescription,
    write_manifest,
)
from vod.calibration_pictures import Neighbours
from vod.errors import ConfigError, VideoError
from vod.weights import WEIGHTS_FILE, Precision, read_record, sha256_of

RUNNER_FILE: Final = "run_bundle.py"
PACKAGES: Final = (
    "vod",
    "tensorflow",
    "keras",
    "ai-edge-litert",
    "onnx",
    "onnxruntime",
    "tf2onnx",
    "openvino",
)


@dataclass(frozen=True, eq=False, slots=True)
class BundleRequest:
    """What a bundle is to be.

    Attributes:
        format: of the graphs.
        precision: of features and flow; the head is always float32.
        pairs: real pictures to calibrate and check on.
        size: (rows, columns) of the detector's input; None is as its weights say.
        check_data: videos with boxes to score before and after; None: none.
        split: name of their list.
    """

    format: BundleFormat
    precision: Precision
    pairs: Sequence[Neighbours]
    size: tuple[int, int] | None = None
    check_data: Path | None = None
    split: str = "val"


def write_bundle(config: PipelineConfig, request: BundleRequest, out: Path) -> Manifest:
    """Make a bundle beside its place, check it, then give it its name.

    Args:
        config: names the detector and, if it is a network, the flow.
        request: see `BundleRequest`.
        out: the folder to make; a bundle that is there already is replaced.

    Returns:
        The manifest, with the checks' figures.

    Raises:
        ConfigError: the format has no such precision, or `out` holds something else.
        DependencyError: a package is missing.
        VideoError: the folder cannot be written, or pictures are unrelated.
        WeightsError: weights are missing or altered, or a graph differs from Keras.
    """
    check_combination(request.format, request.precision)
    check_place(out)
    temporary = out.resolve().with_name(f".{secrets.token_hex(6)}.part")
    try:
        temporary.mkdir()
        manifest = _fill(config, request, temporary)
        _put_in_place(temporary, out.resolve())
    except OSError as error:
        if isinstance(error, VideoError):
            raise
        raise VideoError(f"cannot write {out}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return manifest


def check_place(out: Path) -> None:
    """Check, before any work, that a bundle may be made here.

    Raises:
        ConfigError: something else is there.
        VideoError: the folder around it does not exist.
    """
    is_bundle = (out / MANIFEST_FILE).is_file()
    if out.exists() and not is_bundle and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} exists and is no bundle: name a new folder.")
    if not out.resolve().parent.is_dir():
        raise VideoError(f"cannot write {out}: the folder around it does not exist.")


def _put_in_place(temporary: Path, out: Path) -> None:
    old = out.with_name(f".{secrets.token_hex(6)}.old")
    if out.exists():
        out.rename(old)
    temporary.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _fill(config: PipelineConfig, request: BundleRequest, folder: Path) -> Manifest:
    sources = bundle_sources(config, request.pairs, size=request.size)
    graphs = {
        role: _graph(source, role, folder, request)
        for role, source in sources.graphs.items()
    }
    manifest = _manifest(config, request, sources, graphs)
    _write_texts(folder, manifest)
    manifest = replace(manifest, files=_hashes(folder))
    write_manifest(folder, manifest)
    checks = check_bundle(
        read_bundle(folder),
        sources,
        config,
        pictures=[pair.key for pair in request.pairs],
        data=request.check_data,
        split=request.split,
    )
    errors = {role: checks[role]["error"] for role in checks.keys() & graphs.keys()}
    graphs = {
        role: replace(graph, error=errors.get(role, 0.0))
        for role, graph in graphs.items()
    }
    manifest = replace(manifest, graphs=graphs, checks=checks)
    write_manifest(folder, manifest)
    return manifest


def _graph(
    source: GraphSource, role: str, folder: Path, request: BundleRequest
) -> BundleGraph:
    form, precision = request.format, request.precision
    path = write_graph(source, folder / role, format=form, precision=precision)
    model = source.model
    takes_pixels = form == "litert" and source.pixels is not None
    names = [tensor.name.split(":")[0] for tensor in model.inputs]
    is_int8 = precision == "int8" and not source.is_exact
    return BundleGraph(
        file=path.name,
        inputs=tuple(
            TensorDescription(
                name=name,
                shape=tuple(tensor.shape),
                dtype="uint8" if takes_pixels else "float32",
                meaning=meaning_of(role, name, is_input=True),
            )
            for name, tensor in zip(names, model.inputs, strict=True)
        ),
        outputs=tuple(
            TensorDescription(
                name=name,
                shape=tuple(tensor.shape),
                dtype="float32",
                meaning=meaning_of(role, name, is_input=False),
            )
            for name, tensor in zip(model.output_names, model.outputs, strict=True)
        ),
        error=0.0,
        float_layers=source.float_layers if is_int8 else (),
    )


def _manifest(
    config: PipelineConfig,
    request: BundleRequest,
    sources: BundleSources,
    graphs: dict[str, BundleGraph],
) -> Manifest:
    models = sources.models
    records = {room: read_record(folder) for room, folder in sources.folders.items()}
    return Manifest(
        format_version=FORMAT_VERSION,
        format=request.format,
        precision=request.precision,
        detector=config.detector.name,
        classes=models.record.classes,
        preprocessing=models.preprocessing,
        maps=models.maps,
        graphs=graphs,
        postprocess=config.postprocess,
        files={},
        weights={
            f"{room}/{WEIGHTS_FILE}": record.files[WEIGHTS_FILE]
            for room, record in records.items()
        },
        versions={name: _version(name) for name in PACKAGES},
        origin={room: record.origin for room, record in records.items()},
        licence=models.record.licence,
        flow=sources.flow,
        notes=NOTES,
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in files
        if path.name != MANIFEST_FILE
    }


def _write_texts(folder: Path, manifest: Manifest) -> None:
    runner = Path(__file__).with_name("bundle_runner.py").read_text(encoding="utf-8")
    (folder / RUNNER_FILE).write_text(runner, encoding="utf-8")
    text = README.format(
        detector=manifest.detector,
        format=manifest.format,
        precision=manifest.precision,
        size=manifest.size,
        classes=len(manifest.classes),
        graphs="\n".join(
            f"- `{graph.file}` ({role})" for role, graph in manifest.graphs.items()
        ),
        licence=manifest.licence,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
