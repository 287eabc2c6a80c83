"""Ours beside decoding alone and beside detecting every frame, in one run."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tqdm import tqdm

from propagate.config import PipelineConfig, build_parts
from propagate.parts import Parts
from propagate.speed.child import alone
from propagate.speed.clip import Clip
from propagate.speed.memory import tells_memory
from propagate.speed.rounds import Ratio, measure, ratio
from propagate.speed.work import RIVAL_NAMES, Runner, Work, prepare
from vod.config import nearest
from vod.errors import ConfigError

WARM_UP_FRAMES: Final = 20
PER_FRAME: Final = "per-frame"
AGAINST: Final = (PER_FRAME, *RIVAL_NAMES)


def works_of(
    configs: Mapping[str, PipelineConfig], against: Sequence[str], *, is_file: bool
) -> dict[str, Work]:
    """List what is compared, by name.

    Args:
        configs: of the frame path, by what tells them apart, such as a precision; one
            may be called "".
        against: names in `AGAINST`.
        is_file: the input is a video file, whose bitstream can be decoded alone.

    Raises:
        ConfigError: an unknown name in `against`.
    """
    for name in against:
        if name not in AGAINST:
            raise ConfigError(
                f"cannot compare with '{name}'.{nearest(name, list(AGAINST))}"
            )
    first = next(iter(configs.values()))
    works = [Work("decode", first)] if is_file else []
    works += [Work("decode-rgb", first), Work("decode-encode", first)]
    works += [
        Work("every-frame", first, rival) for rival in RIVAL_NAMES if rival in against
    ]
    named = {work.name(): work for work in works}
    for label, config in configs.items():
        own = [Work("every-frame", config)] if PER_FRAME in against else []
        own += [
            Work(mode, config, writes=writes)
            for writes in (False, True)
            for mode in ("causal", "offline")
            if mode == "causal" or config.propagate.travels == "boxes"
        ]
        named |= {_labelled(work.name(), label): work for work in own}
    return named


def _labelled(name: str, label: str) -> str:
    return f"{name}, {label}" if label else name


def compare(
    works: Mapping[str, Work], clip: Clip, *, rounds: int, memory: bool = True
) -> dict[str, Any]:
    """Time all works in turn on one clip.

    Args:
        works: by name, see `works_of`.
        clip: what they work through.
        rounds: repetitions, after a warm-up of each.
        memory: also do each once in a process of its own, for its peak memory.

    Returns:
        `variants`, each with times, stages, boxes a frame and memory, and `ratios`.
    """
    runners = load({name: (work, clip) for name, work in works.items()})
    for runner in runners.values():
        runner.warm_up(WARM_UP_FRAMES)
    total = len(works) * (rounds + memory)
    with tqdm(total=total, disable=not sys.stderr.isatty(), leave=False) as bar:
        rows = measure(runners, rounds=rounds, after_each=bar.update)
        for name, runner in runners.items():
            row = rows[name]
            row["peak_mib"] = None
            if memory and tells_memory():
                row["peak_mib"] = alone(works[name], clip)["peak_mib"]
                bar.update()
            if runner.parts is not None:
                row["boxes_per_frame"] = runner.boxes / runner.frames
                row["stages"] = runner.stages()
    return {"variants": rows, "ratios": ratios_of(works, rows)}


def load(tasks: Mapping[str, tuple[Work, Clip]]) -> dict[str, Runner]:
    """Prepare every work for its clip; those of one config share its networks."""
    loaded: dict[PipelineConfig, Parts] = {}

    def parts_of(config: PipelineConfig) -> Parts:
        if config not in loaded:
            loaded[config] = build_parts(config)
        return loaded[config]

    return {name: prepare(*task, parts_of) for name, task in tasks.items()}


def ratios_of(
    works: Mapping[str, Work], rows: Mapping[str, Mapping[str, Any]]
) -> dict[str, Ratio]:
    """Set the frame path in relation to what it is measured by.

    `a / b` is frames/s of a over frames/s of b. Without a video: to decoding and to
    the detector on every frame; with one: to decoding and encoding.
    """
    ratios = {}
    for name, work in works.items():
        if work.kind not in ("causal", "offline"):
            continue
        kinds = (
            ("decode-encode",)
            if work.writes
            else ("decode", "decode-rgb", "every-frame")
        )
        for other, base in works.items():
            same = base.runtime != "own" or base.config == work.config
            if base.kind in kinds and (base.kind != "every-frame" or same):
                ratios[f"{name} / {other}"] = ratio(rows[name], rows[other])
    return ratios
