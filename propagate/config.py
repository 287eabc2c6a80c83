"""The configuration of the whole frame path, and the parts that it builds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import detector.registry
import flow.registry
from detector.postprocess import PostprocessConfig
from propagate.adapter.adapted import load_adapted
from propagate.calibration import CalibrationConfig
from propagate.detector_choice import DetectorChoice
from propagate.keyframes import Adaptive, FixedInterval, KeyframePolicy
from propagate.manifest import read_manifest
from propagate.networks import NO_FLOW as NO_FLOW
from propagate.networks import (
    bundle_of,
    detector_of,
    flow_of,
    resolve_engine,
)
from propagate.paper_detector import NETWORK as PAPER
from propagate.paper_parts import load_system, paper_settings
from propagate.parts import Mode, Parts, Travels
from propagate.refine.config import RefineChoice
from propagate.refine.refiner import BoxRefiner, load_box_refiner, weights_folder
from propagate.transport_config import TransportConfig
from propagate.warp import Border
from vod.config import load_config
from vod.engine import EngineName
from vod.errors import ConfigError
from vod.video_info import VideoInfo
from vod.video_open import Decoding
from vod.weights import RECORD_FILE, read_record

LONGEST_WAIT = 100
"""Interval up to which `auto` looks ahead; so many frames of 720p take 0.3 GB."""


@dataclass(frozen=True, slots=True)
class FlowChoice:
    """Which flow, and how large its pictures are.

    Attributes:
        name: registry name, or `none`: key boxes stay where they are. The paper's
            system has its own, `paper`.
        weights: a network's weights folder; None is the shipped one.
        input_share: side of its input as a share of the detector's; None is the flow's
            own (`flow.registry.default_share`). A network needs a graph of that size.
        passes: how often a network looks at a pair of frames; None is the flow's own
            (`flow.registry.default_passes`).
    """

    name: str = "dis-ultrafast"
    weights: Path | None = None
    input_share: float | None = None
    passes: int | None = None

    def __post_init__(self) -> None:
        if self.passes is not None and self.passes < 1:
            raise ConfigError(f"passes must be 1 or more, received {self.passes}.")
        if self.input_share is not None and not 0 < self.input_share <= 1:
            raise ConfigError(
                f"input_share must lie in (0, 1], received {self.input_share}."
            )


@dataclass(frozen=True, slots=True)
class PropagateConfig:
    """How results travel between key frames.

    Attributes:
        keyframe_interval: the whole detector runs on every n-th frame (paper: 10).
        keyframes: `fixed` is that; `adaptive` runs it where what is carried became
            doubtful, as often on average. Both begin anew at a scene cut.
        budget: mean interval of adaptive key frames; None is keyframe_interval.
        mode: `causal` uses past frames only; `offline` also the next key frame, and
            answers an interval later; `auto` is causal for live sources and offline for
            files.
        travels: `boxes` are carried by the flow inside them, from frame to frame;
            `maps` are warped from the key frame in one step, as in the paper (causal).
        transport: how boxes are carried.
        refine: when carried boxes are corrected with a look at the frame.
        flow_stride: mode offline: frames that one flow may span where little moves (see
            `propagate.reach`); in between, boxes move evenly. 1 estimates a flow on
            every frame, as mode causal and adaptive key frames do.
        calibration: how the scores of boxes carried in mode causal fall; the score
            threshold looks at the score before.
        border: what the warp finds outside a map.
        adapter: weights folder of what corrects warped maps; None leaves them.
    """

    keyframe_interval: int = 10
    keyframes: Literal["fixed", "adaptive"] = "fixed"
    budget: float | None = None
    mode: Literal["auto", "causal", "offline"] = "auto"
    travels: Travels = "boxes"
    transport: TransportConfig = field(default_factory=TransportConfig)
    refine: RefineChoice = field(default_factory=RefineChoice)
    flow_stride: int = 5
    calibration: CalibrationConfig = field(default_factory=CalibrationConfig)
    border: Border = "edge"
    adapter: Path | None = None

    def __post_init__(self) -> None:
        FixedInterval(self.keyframe_interval)
        if self.flow_stride < 1:
            raise ConfigError(
                f"flow_stride must be 1 or more, received {self.flow_stride}. "
                "1 estimates a flow on every frame."
            )
        if self.budget is not None and self.keyframes == "fixed":
            raise ConfigError(
                "budget is for adaptive key frames: add keyframes=adaptive, or set "
                "keyframe_interval instead."
            )
        keyframe_policy(self)
        if self.travels == "maps" and self.mode == "offline":
            raise ConfigError(
                "travels=maps cannot go with mode=offline, as maps are warped forwards "
                "only: leave mode out, or choose travels=boxes."
            )


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """What runs the networks.

    Attributes:
        name: `tensorflow` runs the Keras models, the others exported graphs, all in
            float32 but `openvino-bf16`; `auto` is the fastest installed one that is
            ready to run them in float32, see `vod.engine_choice`.
        threads: threads a network call; 2 suits the machines this is made for.
        precision: `fp32`, or `int8`, which takes two thirds of the detector's time.
        bundle: a folder of graphs that `propagate.export` made; they are run instead.
    """

    name: Literal[EngineName, "auto"] = "litert"
    threads: int = 2
    precision: Literal["fp32", "int8"] = "fp32"
    bundle: Path | None = None

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ConfigError(f"threads must be 1 or more, received {self.threads}.")
        if self.name == "tensorflow" and self.precision == "int8":
            raise ConfigError(
                "the engine 'tensorflow' runs float32 only: choose --engine litert for "
                "int8."
            )


@dataclass(frozen=True, slots=True)
class VideoConfig:
    """How the video is read.

    Attributes:
        decoding: `quick` saves an eighth of decoding in videos with B-frames,
            which then show blocks; `sparse` a third, where it is possible
            (`resolve_decoding`). See `vod.video_open.Decoding`.
    """

    decoding: Decoding = "exact"


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """Everything that decides which boxes come out; written beside every result."""

    detector: DetectorChoice = field(default_factory=DetectorChoice)
    flow: FlowChoice = field(default_factory=FlowChoice)
    propagate: PropagateConfig = field(default_factory=PropagateConfig)
    postprocess: PostprocessConfig = field(default_factory=PostprocessConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    video: VideoConfig = field(default_factory=VideoConfig)

    def __post_init__(self) -> None:
        sized = self.detector.size is not None or self.detector.pixels is not None
        stated = sized or self.engine.precision != "fp32"
        if self.engine.bundle is not None and stated:
            raise ConfigError(
                "a bundle has a size and precision of its own: leave --size and "
                "--precision out, or leave the bundle out."
            )


def load_pipeline_config(
    path: Path | None = None, overrides: Sequence[str] = ()
) -> PipelineConfig:
    """Read a pipeline config; see `vod.config.load_config` for rules and errors.

    Of the paper's system it says what is run, see `propagate.paper_parts`.
    """
    config = load_config(PipelineConfig, path, overrides)
    return paper_settings(config) if config.detector.name == PAPER else config


def for_video(config: PipelineConfig, info: VideoInfo) -> PipelineConfig:
    """Give a config whose pixels, if it states any, are a size that suits a video.

    Raises:
        ConfigError: see `DetectorChoice.in_shape_of`.
    """
    return replace(config, detector=config.detector.in_shape_of(info))


def refuse_pixels(config: PipelineConfig) -> None:
    """Refuse pixels where there is no video whose shape they could take.

    Raises:
        ConfigError: the config states some.
    """
    if config.detector.pixels is not None:
        raise ConfigError(
            f"detector.pixels={config.detector.pixels} takes the shape of a video, and "
            "there is no one video here: give detector.size=[rows, columns] instead."
        )


def keyframe_policy(config: PropagateConfig) -> KeyframePolicy:
    """Give the policy that a config names."""
    if config.keyframes == "fixed":
        return FixedInterval(config.keyframe_interval)
    budget = config.budget
    return Adaptive(config.keyframe_interval if budget is None else budget)


def resolve_mode(config: PropagateConfig, *, is_live: bool) -> Mode:
    """Say which mode `auto` means for a source."""
    if config.mode != "auto":
        return config.mode
    interval = max(config.keyframe_interval, config.budget or 0)
    forwards = is_live or config.travels == "maps" or interval > LONGEST_WAIT
    return "causal" if forwards else "offline"


def resolve_decoding(config: PipelineConfig, *, mode: Mode, shows: bool) -> Decoding:
    """Say how a video is decoded: never `sparse` where every picture is needed.

    Args:
        config: of the frame path.
        mode: in which it runs; only `offline` knows what comes after a frame.
        shows: whether frames are written or shown.
    """
    settings, decoding = config.propagate, config.video.decoding
    may_skip = (
        mode == "offline"
        and settings.keyframes == "fixed"
        and settings.keyframe_interval > 1
        and config.detector.name != PAPER
        and not shows
    )
    return decoding if decoding != "sparse" or may_skip else "exact"


def build_parts(config: PipelineConfig, *, is_live: bool = False) -> Parts:
    """Load the networks that a config names.

    Args:
        config: of the frame path, with a size where it stated pixels (`for_video`).
        is_live: the source is a camera or stream, where `auto` mode is causal.

    Raises:
        ConfigError: unknown detector or flow, a setting that does not fit it, or pixels
            that have no shape.
        DependencyError: the engine is not installed.
        WeightsError: weights or graphs missing, altered or of another network.
    """
    refuse_pixels(config)
    if config.detector.name == PAPER:
        return _paper_parts(paper_settings(config))
    bundle = bundle_of(config)
    engine = resolve_engine(config, bundle)
    loaded = detector_of(config, engine, bundle)
    adapter, threads = config.propagate.adapter, config.engine.threads
    if adapter is not None:
        loaded = load_adapted(loaded, adapter, engine=engine, threads=threads)
    return Parts(
        detector=loaded,
        flow=flow_of(config, engine, bundle, loaded.preprocessing),
        keyframes=keyframe_policy(config.propagate),
        postprocess=config.postprocess,
        mode=resolve_mode(config.propagate, is_live=is_live),
        travels=config.propagate.travels,
        transport=config.propagate.transport,
        refiner=refiner_of(config),
        flow_stride=config.propagate.flow_stride,
        calibration=config.propagate.calibration,
        border=config.propagate.border,
    )


def _paper_parts(config: PipelineConfig) -> Parts:
    detector, system = load_system(config)
    return Parts(
        detector=detector,
        flow=None,
        keyframes=keyframe_policy(config.propagate),
        postprocess=config.postprocess,
        transport=config.propagate.transport,
        paper=system,
    )


def refiner_of(config: PipelineConfig) -> BoxRefiner | None:
    """Load the box refiner; None where nothing is carried that it could correct.

    Raises:
        WeightsError: its weights are missing or altered.
    """
    choice = config.propagate.refine
    if not _refines(config):
        return None
    return load_box_refiner(choice)


def _refines(config: PipelineConfig) -> bool:
    holds = config.flow.name == NO_FLOW or config.propagate.travels == "maps"
    return config.propagate.refine.every > 0 and not holds


def weights_sha256(config: PipelineConfig) -> dict[str, str]:
    """Give the sha256 of every weights file behind a config, for result headers."""
    hashes: dict[str, str] = {}
    folders: dict[str, Path] = {}
    if _refines(config):
        folders["refiner"] = weights_folder(config.propagate.refine)
    if config.engine.bundle is not None:
        manifest = read_manifest(config.engine.bundle)
        files = {f"bundle/{name}": digest for name, digest in manifest.files.items()}
        hashes = files | manifest.weights
    else:
        folders["detector"] = (
            config.detector.weights
            or detector.registry.SHIPPED_WEIGHTS / config.detector.name
        )
        name, weights = config.flow.name, config.flow.weights
        folders["flow"] = flow.registry.weights_folder(name, weights)
        if config.propagate.adapter is not None:
            folders["adapter"] = config.propagate.adapter
    for room, folder in folders.items():
        if (folder / RECORD_FILE).exists():
            files = read_record(folder).files
            hashes |= {f"{room}/{name}": digest for name, digest in files.items()}
    return hashes


def with_interval(config: PipelineConfig, interval: int) -> PipelineConfig:
    """Give the same config at another key-frame interval."""
    return replace(
        config, propagate=replace(config.propagate, keyframe_interval=interval)
    )
