"""What each part of the frame path takes on this machine, and what a whole would.

A frame takes `rest + stretch * (share * detector + flows * flow)` ms: `detector` and
`flow` are measured alone, `share` of the frames are key frames, for `flows` of them a
flow is estimated, and `rest` and `stretch` follow from real runs at two intervals,
where decoding competes for the same cores.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, Final

import numpy as np

from propagate.config import NO_FLOW, build_parts
from propagate.networks import has_graphs
from propagate.parts import Mode
from propagate.speed.choices import Base, Choice, Network
from propagate.speed.clip import Clip
from propagate.speed.comparison import WARM_UP_FRAMES, load
from propagate.speed.rounds import measure
from propagate.speed.work import Runner, Work
from propagate.stages import detect, resize
from vod.errors import DependencyError, FlowError, WeightsError
from vod.types import ByteArray, Frame

PROBE_FRAMES: Final = 16
WARM_UP_CALLS: Final = 3
RUN_FRAMES: Final = 120
RUN_ROUNDS: Final = 3
CALIBRATION_INTERVALS: Final = (3, 30)
STRETCH: Final = (0.25, 4.0)
"""Bounds: beyond them the machine was busy with something else."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What real runs of one mode say.

    Attributes:
        rest: ms a frame besides the networks.
        stretch: how many times longer networks take than alone.
        extra: share of key frames beyond one an interval: cuts and ends.
        flows: flows a frame: in mode offline one may span several, and where nothing
            is carried there is none.
    """

    rest: float
    stretch: float
    extra: float
    flows: float = 1.0


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured, in ms.

    Attributes:
        decode: a frame; nothing is faster.
        detector: a key frame, by network.
        flow: a frame, by network and flow: the network's size is the flow's, too.
        fits: by mode.
    """

    decode: float
    detector: Mapping[Network, float]
    flow: Mapping[tuple[Network, str], float]
    fits: Mapping[Mode, Fit]

    def predict(self, choice: Choice) -> float:
        """Give ms a frame."""
        fit = self.fits[choice.mode]
        share = min(1.0, 1 / choice.interval + fit.extra)
        networks = share * self.detector[choice.network]
        if choice.flow != NO_FLOW:
            networks += fit.flows * self.flow[choice.network, choice.flow]
        return max(self.decode, fit.rest + fit.stretch * networks)

    def as_mapping(self) -> dict[str, Any]:
        """Give it ready for JSON."""
        return {
            "decode_ms": self.decode,
            "detector_ms": {key.name: value for key, value in self.detector.items()},
            "flow_ms": {
                f"{network.name}, {flow}": value
                for (network, flow), value in self.flow.items()
            },
            "fits": {
                mode: {
                    "rest_ms": f.rest,
                    "stretch": f.stretch,
                    "extra_keys": f.extra,
                    "flows_a_frame": f.flows,
                }
                for mode, f in self.fits.items()
            },
        }


def measure_costs(
    base: Base,
    clip: Clip,
    *,
    networks: Sequence[Network],
    flows: Sequence[str],
    modes: Sequence[Mode],
    is_file: bool,
    writes: bool,
) -> Costs:
    """Measure every part for a moment, and some whole runs.

    Args:
        base: what the user has fixed.
        clip: a source that can be read again.
        networks: at least one; runs are made with the first.
        flows: at least one; runs are made with the first. One that cannot run at a
            network's size is left out, or would need a graph made for one that is
            offered.
        modes: at least one.
        is_file: the clip is a video file, whose bitstream can be decoded alone.
        writes: whether a video is written, in the runs.

    Raises:
        VodError: the clip, a network or the first flow cannot be used.
    """
    with clip.open() as source:
        frames = list(islice(source, PROBE_FRAMES))
        detector, flow = {}, {}
        for network in networks:
            detector[network], pictures = _time_detector(base, network, frames)
            for name in flows:
                if network.is_offered and not has_graphs(
                    base.config(*network.settings_with(name))
                ):
                    continue
                try:
                    flow[network, name] = _time_flow(base, network, name, pictures)
                except (DependencyError, FlowError, WeightsError):
                    if (network, name) == (networks[0], flows[0]):
                        raise
    choices = [
        Choice(networks[0], flows[0], mode, n)
        for mode in modes
        for n in CALIBRATION_INTERVALS
    ]
    floor = Work("decode" if is_file else "decode-rgb", base.config())
    decode, runs = _time_runs(base, clip, choices, floor=floor, writes=writes)
    times = (detector[networks[0]], flow[networks[0], flows[0]])
    fits = {mode: fit(*times, runs[mode]) for mode in modes}
    return Costs(decode, detector, flow, fits)


def _time_detector(
    base: Base, network: Network, frames: Sequence[Frame]
) -> tuple[float, list[ByteArray]]:
    """Give ms a key frame, and the detector's pictures of all frames."""
    parts = build_parts(base.config(*network.settings_with(NO_FLOW)))
    threshold = parts.postprocess.score_threshold
    pictures = [resize(parts, frame) for frame in frames]

    def find(pair: tuple[Frame, ByteArray]) -> object:
        return detect(parts, *pair, threshold)

    return _usual_ms(find, list(zip(frames, pictures, strict=True))), pictures


def _time_flow(
    base: Base, network: Network, name: str, pictures: Sequence[ByteArray]
) -> float:
    estimator = build_parts(base.config(*network.settings_with(name))).flow
    if estimator is None:
        return 0.0
    earlier = estimator.prepare(pictures[0])

    def step(pair: tuple[ByteArray, ByteArray]) -> object:
        return estimator(estimator.prepare(pair[1]), earlier)

    pairs = list(pairwise(pictures)) or [(pictures[0], pictures[0])]
    return _usual_ms(step, pairs)


def _usual_ms(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Give the lower quartile of ms a call: a burst of other load does not count."""
    for item in items[:WARM_UP_CALLS]:
        work(item)
    spent = []
    for item in items:
        started = time.perf_counter()
        work(item)
        spent.append(1e3 * (time.perf_counter() - started))
    return float(np.quantile(spent, 0.25))


@dataclass(frozen=True, slots=True)
class Run:
    """One real run: its interval, share of key frames, ms and flows a frame."""

    interval: int
    share: float
    ms: float
    flows: float = 1.0


def _time_runs(
    base: Base, clip: Clip, choices: Sequence[Choice], *, floor: Work, writes: bool
) -> tuple[float, dict[Mode, list[Run]]]:
    """Time decoding alone and real runs, in turn: ms a frame, and runs by mode."""
    works = {
        str(n): choice.work(base, writes=writes) for n, choice in enumerate(choices)
    }
    runners, rows = run_all({**works, "floor": floor}, clip)
    runs: dict[Mode, list[Run]] = {choice.mode: [] for choice in choices}
    for name, choice in zip(works, choices, strict=True):
        runner = runners[name]
        share = runner.key_frames / runner.frames
        flows = runner.calls["flow"] / runner.frames
        run = Run(choice.interval, share, rows[name]["ms_per_frame"], flows)
        runs[choice.mode].append(run)
    return rows["floor"]["ms_per_frame"], runs


def run_all(
    works: Mapping[str, Work], clip: Clip
) -> tuple[dict[str, Runner], dict[str, dict[str, Any]]]:
    """Do short real runs of some works in turn; see `rounds.measure` for the rows."""
    short = clip.first(RUN_FRAMES)
    runners = load({name: (work, short) for name, work in works.items()})
    for runner in runners.values():
        runner.warm_up(WARM_UP_FRAMES)
    return runners, measure(runners, rounds=RUN_ROUNDS)


def fit(detector: float, flow: float, runs: Iterable[Run]) -> Fit:
    """Solve for rest and stretch from two runs at different intervals.

    Args:
        detector: ms a key frame, alone.
        flow: ms a frame, alone.
        runs: the first with more key frames than the last.
    """
    often, *_, seldom = runs
    difference = (often.share - seldom.share) * detector
    stretch = (often.ms - seldom.ms) / difference if difference > 0 else 1.0
    stretch = min(max(stretch, STRETCH[0]), STRETCH[1])
    networks = seldom.share * detector + seldom.flows * flow
    rest = seldom.ms - stretch * networks
    extra = max(0.0, seldom.share - 1 / seldom.interval)
    return Fit(rest, stretch, extra, seldom.flows)
