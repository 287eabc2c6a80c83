"""One long run, as in use: does memory grow, does it slow down?"""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from propagate.config import PipelineConfig, build_parts, weights_sha256
from propagate.parts import FrameResult
from propagate.session import Outputs, process
from propagate.speed.clip import Clip
from propagate.speed.memory import peak_mib, resident_mib
from vod.config import to_mapping
from vod.errors import ConfigError
from vod.results import open_results
from vod.video import VideoWriter
from vod.video_repeat import repeat_video

SAMPLES_EVERY: Final = 500  # frames, in a run that is long enough
LEAST_SAMPLES: Final = 10
WARM_UP_SHARE: Final = 0.1
"""Of the frames: until then queues and allocators fill, which is no growth."""


def soak(
    clip: Clip,
    config: PipelineConfig,
    *,
    frames: int,
    is_file: bool,
    writes: bool = False,
) -> dict[str, Any]:
    """Run the frame path over a clip again and again, as one long video.

    A video file is copied into a long one first: opening it anew for every repetition
    would leave memory of its own behind. Pictures are read again and again. Results are
    written as JSON lines, as `run_video.py` does.

    Args:
        clip: begins anew until there are enough frames; times go on.
        config: of the frame path.
        frames: in all.
        is_file: the clip is a video file.
        writes: whether to write an H.264 video too.

    Returns:
        `samples` of memory and speed, the growth of memory after warm-up, and the
        frames a second of the first and last tenth.

    Raises:
        ConfigError: too few frames to see growth, or memory is not told here.
    """
    if frames < 2 * LEAST_SAMPLES:
        raise ConfigError(
            f"--soak needs {2 * LEAST_SAMPLES} frames or more, received {frames}."
        )
    every = min(SAMPLES_EVERY, frames // LEAST_SAMPLES)
    samples: list[tuple[int, float, float]] = []

    def watched(results: Iterable[FrameResult]) -> Iterator[FrameResult]:
        samples.append((0, time.perf_counter(), resident_mib()))
        for count, result in enumerate(results, 1):
            yield result
            if count % every == 0 or count == frames:
                samples.append((count, time.perf_counter(), resident_mib()))

    with tempfile.TemporaryDirectory() as folder:
        spec = clip.spec
        if is_file:
            spec = str(Path(folder) / "long.mp4")
            repeat_video(clip.spec, Path(spec), frames=frames)
        _run(Clip(spec, frames, loops=True), config, watched, writes=writes)
    return {"frames": frames, "writes_video": writes, **_summary(samples)}


def _run(
    clip: Clip,
    config: PipelineConfig,
    watched: Callable[[Iterable[FrameResult]], Iterable[FrameResult]],
    *,
    writes: bool,
) -> None:
    parts = build_parts(config)
    outputs = Outputs(parts.detector.classes)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source = stack.enter_context(clip.open())
        outputs.results = stack.enter_context(
            open_results(
                folder / "boxes.jsonl",
                info=source.info,
                class_names=parts.detector.classes,
                config=to_mapping(config),
                weights=weights_sha256(config),
            )
        )
        if writes:
            video = VideoWriter(folder / "out.mp4", info=source.info, audio=False)
            outputs.video = stack.enter_context(video)
        process(source, parts, outputs, progress=watched)


def _summary(samples: list[tuple[int, float, float]]) -> dict[str, Any]:
    """Describe (frames done, seconds, MiB held), the first before any frame."""
    frames, seconds, held = np.array(samples).T
    total = frames[-1]
    warm_up = int(WARM_UP_SHARE * total)
    settled = frames >= warm_up
    slope = np.polyfit(frames[settled], held[settled], 1)[0]
    rates = np.diff(frames) / np.diff(seconds)

    def rate(begin: float, end: float) -> float:
        started, ended = np.interp([begin, end], frames, seconds)
        return float((end - begin) / (ended - started))

    return {
        "samples": [
            {"frame": int(frame), "resident_mib": round(float(mib), 2), "fps": float(r)}
            for frame, mib, r in zip(frames[1:], held[1:], rates, strict=True)
        ],
        "warm_up_frames": warm_up,
        "growth_mib": float(slope * (total - warm_up)),
        "peak_mib": peak_mib(),
        "fps_first_tenth": rate(0, total / 10),
        "fps_last_tenth": rate(total * 9 / 10, total),
    }
