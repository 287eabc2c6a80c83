"""The things whose speed is compared, each from the file to its last frame."""

import contextlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from propagate.config import PipelineConfig, build_parts, resolve_decoding
from propagate.keyframes import FixedInterval
from propagate.parts import FrameResult, Mode, Parts
from propagate.session import Outputs, Summary, process
from propagate.speed.clip import Clip
from propagate.speed.codecs import coded_frames, copy_coded, copy_frames, decode_rgb
from propagate.speed.crowd import crowded
from propagate.speed.rivals import Rival, rival_detector
from vod.config import from_mapping, to_mapping
from vod.errors import ConfigError
from vod.sources import FrameSource
from vod.video import VideoWriter
from vod.video_open import Decoding

Kind = Literal[
    "decode", "decode-rgb", "decode-encode", "every-frame", "causal", "offline"
]
Runtime = Literal["own", Rival]

RIVAL_NAMES: Final = get_args(Rival)

NAMES: Final[Mapping[Kind, str]] = {
    "decode": "decode, bitstream only",
    "decode-rgb": "decode, to RGB",
    "decode-encode": "decode + encode H.264",
    "every-frame": "detector on every frame",
    "causal": "causal",
    "offline": "offline",
}
NETWORKLESS: Final = frozenset({"decode", "decode-rgb", "decode-encode"})


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to time, in words; a child process can be told it.

    Attributes:
        kind: how far it goes. `decode` gives pictures as they are coded, `decode-rgb`
            as any user of them needs them; `every-frame` is the detector without
            propagation; `causal` and `offline` are the whole frame path.
        config: of the frame path; its mode, and for `every-frame` its interval and
            flow, are replaced.
        runtime: what runs the networks; a rival only for `every-frame`.
        writes: whether an H.264 video with boxes is written.
        crowd: so many boxes are put on every key frame, in place of those found.
    """

    kind: Kind
    config: PipelineConfig
    runtime: Runtime = "own"
    writes: bool = False
    crowd: int | None = None

    def name(self) -> str:
        """Give a name for tables."""
        engine = self.config.engine.name if self.runtime == "own" else self.runtime
        parts = [NAMES[self.kind]]
        parts += [engine] if self.kind == "every-frame" else []
        parts += ["H.264 written"] if self.writes else []
        return ", ".join(parts)

    def as_mapping(self) -> dict[str, Any]:
        """Give it ready for JSON."""
        return {
            "kind": self.kind,
            "config": to_mapping(self.config),
            "runtime": self.runtime,
            "writes": self.writes,
            "crowd": self.crowd,
        }

    @classmethod
    def of_mapping(cls, values: Mapping[str, Any]) -> "Work":
        """Read back what `as_mapping` gave."""
        config = from_mapping(PipelineConfig, values["config"], source="the work")
        return cls(**{**values, "config": config})


@dataclass(slots=True)
class Runner:
    """Does one piece of work on a clip, as often as it is called.

    Attributes:
        work: what.
        clip: on what.
        parts: the networks; None where none run.
        seconds: of all runs so far, by stage.
        calls: likewise.
        boxes: put out in all runs so far.
        key_frames: likewise, on which the detector ran.
        frames: likewise.
    """

    work: Work
    clip: Clip
    parts: Parts | None
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    boxes: int = 0
    key_frames: int = 0
    frames: int = 0

    def __call__(self) -> int:
        """Do it once; give the number of frames."""
        frames = self._run(self.clip)
        self.frames += frames
        return frames

    def warm_up(self, frames: int) -> None:
        """Do it on the first frames, without keeping note of it."""
        self._run(self.clip.first(frames))
        self.forget()

    def forget(self) -> None:
        """Begin the sums anew."""
        self.seconds.clear()
        self.calls.clear()
        self.boxes = self.key_frames = self.frames = 0

    def stages(self) -> dict[str, dict[str, float]]:
        """Give ms a frame and ms a call, by stage, of all runs so far."""
        return {
            name: {
                "ms_per_frame": 1e3 * total / self.frames,
                "ms_per_call": 1e3 * total / self.calls[name],
            }
            for name, total in self.seconds.items()
        }

    def _run(self, clip: Clip) -> int:
        if self.work.kind == "decode":
            return sum(1 for _ in coded_frames(clip))
        if self.work.kind == "decode-rgb":
            return decode_rgb(clip)
        with contextlib.ExitStack() as stack:
            source = stack.enter_context(clip.open(self._decoding()))
            video = self._writer(stack, source)
            if self.parts is None:
                if video is None:
                    return 0
                as_coded = video.matrix is not None
                return (
                    copy_coded(clip, video) if as_coded else copy_frames(source, video)
                )
            outputs = Outputs(self.parts.detector.classes, video=video)
            summary = process(source, self.parts, outputs, progress=self._counted)
        self._note(summary)
        return summary.frames

    def _decoding(self) -> Decoding:
        if self.parts is None:
            return "exact"
        work, mode = self.work, self.parts.mode
        return resolve_decoding(work.config, mode=mode, shows=work.writes)

    def _writer(
        self, stack: contextlib.ExitStack, source: FrameSource
    ) -> VideoWriter | None:
        if not self.work.writes and self.work.kind != "decode-encode":
            return None
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        path = Path(folder) / "out.mp4"
        return stack.enter_context(VideoWriter(path, info=source.info, audio=False))

    def _counted(self, results: Iterable[FrameResult]) -> Iterator[FrameResult]:
        for result in results:
            self.boxes += len(result.detections)
            self.key_frames += result.key_frame
            yield result

    def _note(self, summary: Summary) -> None:
        for timer in summary.timers:
            for name, seconds in timer.seconds.items():
                self.seconds[name] += seconds
                self.calls[name] += timer.calls[name]


PartsOf = Callable[[PipelineConfig], Parts]


def prepare(work: Work, clip: Clip, parts_of: PartsOf = build_parts) -> Runner:
    """Load what a piece of work needs.

    Args:
        work: what is to be done.
        clip: on what.
        parts_of: loads networks; may give the same ones for the same config.

    Raises:
        ConfigError: a rival runtime is to do more than detect on every frame.
        DependencyError: a rival runtime is not installed.
        WeightsError: weights or graphs are missing or altered.
    """
    if work.kind in NETWORKLESS:
        return Runner(work, clip, None)
    parts = parts_of(work.config)
    if work.kind == "every-frame":
        parts = replace(parts, keyframes=FixedInterval(1), flow=None, mode="causal")
    else:
        mode: Mode = "offline" if work.kind == "offline" else "causal"
        parts = replace(parts, mode=mode)
    if work.runtime != "own":
        if work.kind != "every-frame":
            raise ConfigError(
                f"{work.runtime} is compared as a detector on every frame only."
            )
        rival = rival_detector(
            work.runtime,
            parts.detector,
            work.config.detector,
            threads=work.config.engine.threads,
        )
        parts = replace(parts, detector=rival)
    return Runner(
        work, clip, parts if work.crowd is None else crowded(parts, work.crowd)
    )
