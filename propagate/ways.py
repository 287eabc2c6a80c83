"""Ways through a set of videos, and what each of them finds and costs.

per-frame: the detector on every frame. hold: the key frame's boxes stay where they are.
causal and offline: they follow the flow, see `propagate.pipeline` and
`propagate.offline`.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np
from tqdm import tqdm

from flow.estimator import FlowEstimator
from flow.registry import NETWORKS
from propagate.config import NO_FLOW, PipelineConfig, build_parts, refiner_of
from propagate.keyframes import Adaptive, FixedInterval
from propagate.offline import results_of
from propagate.parts import Parts, Travels
from propagate.remembered import RememberingDetector, RememberingFlow
from propagate.speed.rounds import measure
from vod.class_map import ClassMap
from vod.config import nearest
from vod.errors import ConfigError, VideoError
from vod.ground_truth import GroundTruth
from vod.imagenet_vid import relabelled
from vod.types import Detections, Frame

Name = Literal["per-frame", "hold", "causal", "offline"]

PER_FRAME: Final = "per-frame"
MODES: Final[tuple[Name, ...]] = (PER_FRAME, "hold", "causal", "offline")

Keyframes = Literal["fixed", "adaptive"]

KEPT_BYTES: Final = 400_000_000
"""Decoded pictures of a snippet are kept for the next way up to this size."""

TIMED_FRAMES: Final = 40
WARM_UP_FRAMES: Final = 5
TIMED_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Way:
    """One line of the comparison.

    Attributes:
        mode: a name in `MODES`.
        flow: registry name; None in the modes that use none.
        interval: frames from one key frame to the next, on average if adaptive.
        keyframes: the policy; per-frame and hold are always fixed.
        first: frames from the first key frame to the second; None is the interval.
    """

    mode: Name
    flow: str | None
    interval: int
    keyframes: Keyframes = "fixed"
    first: int | None = None

    def phases(self, count: int) -> list["Way"]:
        """Give the same with key frames shifted: evenly, at most `count` times.

        >>> [way.first for way in Way("hold", None, 10).phases(4)]
        [None, 2, 5, 8]
        >>> [way.first for way in Way("hold", None, 2).phases(4)]
        [None, 1]
        """
        firsts = [round(step * self.interval / count) for step in range(1, count)]
        inside = [first for first in firsts if 0 < first < self.interval]
        return [replace(self, first=first) for first in dict.fromkeys([None, *inside])]


@dataclass(frozen=True, eq=False, slots=True)
class Networks:
    """What all ways share.

    Attributes:
        base: the detector and all settings; no flow.
        flows: estimators by name.
        travels: what goes from key frames to the others in mode causal.
    """

    base: Parts
    flows: Mapping[str, FlowEstimator]
    travels: Travels

    def parts(self, way: Way) -> Parts:
        """Give the frame path of one way, as it runs in use."""
        policy = Adaptive if way.keyframes == "adaptive" else FixedInterval
        return replace(
            self.base,
            flow=self.flows[way.flow] if way.flow else None,
            keyframes=policy(way.interval, first=way.first),
            mode="offline" if way.mode == "offline" else "causal",
            travels=self.travels if way.mode == "causal" else "boxes",
        )

    def with_threshold(self, score: float) -> "Networks":
        """Give the same networks, with detections down to a score."""
        policy = replace(self.base.postprocess, score_threshold=score)
        return replace(self, base=replace(self.base, postprocess=policy))

    def remembering(self) -> "Networks":
        """Give the same networks, each asked once about the same pictures."""
        detector = RememberingDetector.of(self.base.detector)
        flows = {name: RememberingFlow(flow) for name, flow in self.flows.items()}
        return replace(self, base=replace(self.base, detector=detector), flows=flows)


def ways_of(
    *,
    modes: Sequence[str],
    flows: Sequence[str],
    intervals: Sequence[int],
    travels: Travels,
    policies: Sequence[Keyframes] = ("fixed",),
) -> list[Way]:
    """List the ways that are asked for, each once, interval by interval.

    Raises:
        ConfigError: an unknown mode, a wrong interval, a flow that is none, or maps
            that would travel offline.
    """
    for mode in modes:
        if mode not in MODES:
            raise ConfigError(f"unknown mode '{mode}'.{nearest(mode, MODES)}")
    if NO_FLOW in flows:
        raise ConfigError(f"flow '{NO_FLOW}' is the mode hold; leave it out of --flow.")
    if travels == "maps" and "offline" in modes:
        raise ConfigError("maps travel in one direction: mode offline carries boxes.")
    ways = [Way(PER_FRAME, None, 1)] if PER_FRAME in modes else []
    for interval in dict.fromkeys(intervals):
        FixedInterval(interval)
        if "hold" in modes:
            ways.append(Way("hold", None, interval))
        ways += [
            Way(mode, flow, interval, policy)
            for mode in MODES[2:]
            if mode in modes
            for flow in dict.fromkeys(flows)
            for policy in dict.fromkeys(policies)
        ]
    return ways


def load_networks(
    config: PipelineConfig, flows: Iterable[str], *, travels: Travels
) -> Networks:
    """Load the detector and the flows.

    Raises:
        ConfigError: unknown detector or flow.
        WeightsError: weights or graphs missing, altered or of another network.
    """
    estimators = {}
    for name in flows:
        weights = config.flow.weights if name in NETWORKS else None
        choice = replace(config.flow, name=name, weights=weights)
        flow = build_parts(replace(config, flow=choice)).flow
        if flow is not None:
            estimators[name] = flow
    base = build_parts(replace(config, flow=replace(config.flow, name=NO_FLOW)))
    carries = replace(config.propagate, travels=travels, mode="auto")
    refiner = refiner_of(replace(config, propagate=carries)) if estimators else None
    return Networks(replace(base, refiner=refiner), estimators, travels)


def read_snippet(paths: Sequence[Path]) -> Iterator[Frame]:
    """Decode the pictures of one snippet.

    Raises:
        VideoError: naming the picture that cannot be read.
    """
    for position, path in enumerate(paths):
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if picture is None:
            raise VideoError(f"{path} is missing or not a picture.")
        yield Frame(position, position / 25, picture)


def frames_of(paths: Sequence[Path]) -> Callable[[], Iterable[Frame]]:
    """Give a function that yields a snippet's frames, decoded once where they fit."""
    first = next(read_snippet(paths))
    if first.rgb.nbytes * len(paths) > KEPT_BYTES:
        return lambda: read_snippet(paths)
    frames = list(read_snippet(paths))
    return lambda: frames


def configs_of_snippets(
    config: PipelineConfig, truth: GroundTruth
) -> dict[PipelineConfig, list[str]]:
    """Give the configs that snippets are run with, and the snippets of each.

    There are several where a config states pixels and snippets differ in shape.

    Raises:
        ConfigError: a snippet has a shape that no detector runs.
        VideoError: the first picture of a snippet is missing.
    """
    if config.detector.pixels is None:
        return {config: list(truth.snippets)}
    found: dict[PipelineConfig, list[str]] = {}
    for name, frames in truth.videos():
        first = next(read_snippet([truth.image_path(int(frames[0]))]))
        detector = config.detector.in_shape(first.height, first.width, name=name)
        found.setdefault(replace(config, detector=detector), []).append(name)
    return found


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """What one way has found.

    Attributes:
        detections: under the labels of the ground truth, by the frame's index.
        key_frames: frames on which the detector ran.
    """

    detections: dict[int, Detections]
    key_frames: int

    def __or__(self, other: "Found") -> "Found":
        """Join what was found in some snippets and in others."""
        return Found(
            self.detections | other.detections, self.key_frames + other.key_frames
        )


def detect_ways(
    networks: Networks,
    truth: GroundTruth,
    ways: Sequence[Way],
    *,
    snippets: Collection[str] | None = None,
) -> list[Found]:
    """Take every way through every snippet, from its first frame on.

    Snippet by snippet, so that what is remembered is of one snippet only.

    Args:
        networks: run at the thresholds that they have.
        truth: the videos.
        ways: in the order of the results.
        snippets: names of those that are asked for; None is all.

    Raises:
        VideoError: a picture is missing.
    """
    videos = [v for v in truth.videos() if snippets is None or v[0] in snippets]
    classes = networks.base.detector.classes
    labels = ClassMap.between(classes, truth.classes).labels
    found: list[dict[int, Detections]] = [{} for _ in ways]
    keys = [0 for _ in ways]
    total = sum(len(frames) for _, frames in videos) * len(ways)
    with tqdm(total=total, disable=not sys.stderr.isatty()) as bar:
        for name, frames in videos:
            bar.set_description(name)
            read = frames_of([truth.image_path(frame) for frame in frames])
            indices = truth.frame_indices[frames].tolist()
            remembering = networks.remembering()
            for number, way in enumerate(ways):
                warps = way.mode == "causal" and networks.travels == "maps"
                parts = (networks if warps else remembering).parts(way)
                for index, result in zip(
                    indices, results_of(parts, read()), strict=True
                ):
                    found[number][index] = relabelled(result.detections, labels)
                    keys[number] += result.key_frame
                    bar.update()
    return [Found(*pair) for pair in zip(found, keys, strict=True)]


def time_ways(
    networks: Networks, truth: GroundTruth, ways: Sequence[Way]
) -> dict[str, Any]:
    """Time every way, as in use, on the first frames of the set.

    Pictures are decoded before. The ways take turns, so that a slow spell of the
    machine meets them all.

    Returns:
        `frames`, `rounds`, and by way, in order, `ms_per_frame` and `cpu_ms_per_frame`
        (all threads), medians.
    """
    first = np.concatenate([frames for _, frames in truth.videos()])[:TIMED_FRAMES]
    frames = list(read_snippet([truth.image_path(frame) for frame in first]))

    def run(way: Way, count: int) -> int:
        return sum(1 for _ in results_of(networks.parts(way), frames[:count]))

    for way in ways:
        run(way, WARM_UP_FRAMES)
    variants = {
        str(number): partial(run, way, len(frames)) for number, way in enumerate(ways)
    }
    rows = measure(variants, rounds=TIMED_ROUNDS)
    kept = ("ms_per_frame", "cpu_ms_per_frame")
    return {
        "frames": len(frames),
        "rounds": TIMED_ROUNDS,
        "ways": [{name: rows[number][name] for name in kept} for number in variants],
    }
