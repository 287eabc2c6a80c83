"""Cost against the amount of work: frames, size of the picture, interval, boxes."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tqdm import tqdm

from propagate.config import PipelineConfig, with_interval
from propagate.speed.child import alone
from propagate.speed.clip import Clip
from propagate.speed.comparison import WARM_UP_FRAMES, load
from propagate.speed.memory import tells_memory
from propagate.speed.rounds import measure
from propagate.speed.scaled import scaled_clips
from propagate.speed.work import Work
from vod.config import nearest
from vod.errors import ConfigError

TIMES: Final = (1, 2, 5, 10)
HEIGHTS: Final = (360, 480, 720, 1080, 1440, 2160)
INTERVALS: Final = (1, 2, 3, 5, 7, 10, 15, 20, 30)
BOXES: Final = (0, 1, 3, 10, 30, 100, 200, 300)

SHORT_FRAMES: Final = 100
"""Frames a point of every curve but the one over frames, if the clip has as many."""

CAUSAL: Final = "causal"
OFFLINE: Final = "offline"
DECODE: Final = "decode, to RGB"
WRITTEN: Final = "offline, H.264 written"
COPIED: Final = "decode + encode H.264"

Task = tuple[Work, Clip]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a curve measures.

    Attributes:
        x: what the points count.
        note: how they were made.
        tasks: by series, one a point; all series have the same points.
        points: positions along x.
    """

    x: str
    note: str
    points: Sequence[int]
    tasks: Mapping[str, Sequence[Task]]


def measure_curves(
    names: Sequence[str],
    clip: Clip,
    config: PipelineConfig,
    *,
    rounds: int,
    memory: bool = True,
) -> dict[str, Any]:
    """Measure some curves, one after the other; the points of one take turns.

    Args:
        names: in `CURVES`.
        clip: a source that can be read again.
        config: of the frame path.
        rounds: repetitions.
        memory: also do each point once in a process of its own, for its peak memory.

    Returns:
        By curve: `x`, `note`, `points` and `series`, a list of rows each.

    Raises:
        ConfigError: an unknown name.
        VideoError: the clip cannot be read.
    """
    for name in names:
        if name not in CURVES:
            raise ConfigError(f"unknown curve '{name}'.{nearest(name, list(CURVES))}")
    curves = {}
    for name in dict.fromkeys(names):
        with CURVES[name](clip, config) as plan:
            series = _measured(plan, rounds=rounds, memory=memory)
            curves[name] = {
                "x": plan.x,
                "note": plan.note,
                "points": list(plan.points),
                "series": series,
            }
    return curves


def _measured(
    plan: Plan, *, rounds: int, memory: bool
) -> dict[str, list[dict[str, Any]]]:
    tasks = {
        f"{name} {position}": task
        for name, series in plan.tasks.items()
        for position, task in enumerate(series)
    }
    runners = load(tasks)
    for runner in runners.values():
        runner.warm_up(WARM_UP_FRAMES)
    total = len(tasks) * (rounds + memory)
    with tqdm(total=total, disable=not sys.stderr.isatty(), leave=False) as bar:
        bar.set_description(plan.x)
        rows = measure(runners, rounds=rounds, after_each=bar.update)
        for key, task in tasks.items():
            rows[key]["peak_mib"] = None
            if memory and tells_memory():
                rows[key]["peak_mib"] = alone(*task)["peak_mib"]
                bar.update()
            if runners[key].parts is not None:
                shown = runners[key].boxes / runners[key].frames
                rows[key]["boxes_per_frame"] = shown
    return {
        name: [rows[f"{name} {position}"] for position in range(len(series))]
        for name, series in plan.tasks.items()
    }


@contextmanager
def _over_frames(clip: Clip, config: PipelineConfig) -> Iterator[Plan]:
    with clip.open() as source:
        once = sum(1 for _ in source)
    clips = [Clip(clip.spec, times * once, loops=True) for times in TIMES]
    yield Plan(
        "frames",
        f"the input's {once} frames, once to {TIMES[-1]} times one after the other",
        [times * once for times in TIMES],
        _over_clips(clips, config, writes=False),
    )


@contextmanager
def _over_heights(clip: Clip, config: PipelineConfig) -> Iterator[Plan]:
    with scaled_clips(clip.first(SHORT_FRAMES), HEIGHTS) as clips:
        yield Plan(
            "height in pixels",
            "the input scaled and encoded again in H.264; enlarged pictures are easier "
            "to decode than those of a camera",
            HEIGHTS,
            _over_clips([clips[height] for height in HEIGHTS], config, writes=True),
        )


def _over_clips(
    clips: Sequence[Clip], config: PipelineConfig, *, writes: bool
) -> dict[str, list[Task]]:
    works = {
        DECODE: Work("decode-rgb", config),
        CAUSAL: Work("causal", config),
        OFFLINE: Work("offline", config),
    }
    if writes:
        works[WRITTEN] = Work("offline", config, writes=True)
        works[COPIED] = Work("decode-encode", config)
    return {name: [(work, clip) for clip in clips] for name, work in works.items()}


@contextmanager
def _over_intervals(clip: Clip, config: PipelineConfig) -> Iterator[Plan]:
    short = clip.first(SHORT_FRAMES)
    yield Plan(
        "key-frame interval",
        f"at most {SHORT_FRAMES} frames; scene cuts and the end add key frames",
        INTERVALS,
        {
            mode: [(Work(mode, with_interval(config, n)), short) for n in INTERVALS]
            for mode in (CAUSAL, OFFLINE)
        },
    )


@contextmanager
def _over_boxes(clip: Clip, config: PipelineConfig) -> Iterator[Plan]:
    short = clip.first(SHORT_FRAMES)
    yield Plan(
        "boxes on a key frame",
        "synthetic: the network runs, then its boxes are replaced by so many in a grid",
        BOXES,
        {
            mode: [(Work(mode, config, crowd=n), short) for n in BOXES]
            for mode in (CAUSAL, OFFLINE)
        },
    )


Planner = Callable[[Clip, PipelineConfig], Any]

CURVES: Final[Mapping[str, Planner]] = {
    "frames": _over_frames,
    "resolution": _over_heights,
    "interval": _over_intervals,
    "boxes": _over_boxes,
}
"""Name to what is measured."""
