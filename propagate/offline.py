"""Detect with the next key frame in sight: for files, where nobody waits for a frame.

Frames between two key frames are held back until the second has been detected. The
boxes of the first are carried forwards to each of them, those of the second backwards;
a box of either that is the other's object is fused with it, with weights by nearness.
At most one interval of frames is in memory.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from flow.field import FlowField
from propagate.fusion import Association, associate, fuse
from propagate.pipeline import (
    FlowImage,
    FrameResult,
    Parts,
    detect,
    detect_video,
    flow_between,
    prepare,
    resize,
    result_of,
)
from propagate.tracked import Tracked
from vod.types import ByteArray, Frame

CANDIDATE_THRESHOLD = 0.1
"""Weak detections of a key frame may be confirmed by the next one."""


@dataclass(frozen=True, eq=False, slots=True)
class _Step:
    """One frame that waits, with the flow to the frame before it, if there is one."""

    frame: Frame
    resized: ByteArray
    flow_image: FlowImage
    flow: FlowField | None


def detect_offline(parts: Parts, frames: Iterable[Frame]) -> Iterator[FrameResult]:
    """Yield one result a frame, in order; the last frame is a key frame too.

    Holds the frames since the last key frame, and no more.
    """
    waiting: list[_Step] = []
    first: Tracked | None = None
    for frame in frames:
        resized = resize(parts, frame)
        flow_image = prepare(parts, resized)
        previous = waiting[-1].flow_image if waiting else None
        flow = flow_between(parts, flow_image, previous)
        current = _Step(frame, resized, flow_image, flow)
        if first is None:
            first = _detected(parts, current)
            yield result_of(parts, frame, first, key_frame=True)
            waiting = [current]
        elif parts.keyframes.is_key(frame.index, waiting[0].frame.index):
            last = _detected(parts, current)
            yield from _between(parts, first, [*waiting[1:], current], last)
            first, waiting = last, [current]
        else:
            waiting.append(current)
    if first is not None and len(waiting) > 1:
        last = _detected(parts, waiting[-1])
        yield from _between(parts, first, waiting[1:], last)


def results_of(parts: Parts, frames: Iterable[Frame]) -> Iterator[FrameResult]:
    """Yield one result a frame, in order, in the mode that `parts` names."""
    run = detect_offline if parts.mode == "offline" else detect_video
    return run(parts, frames)


def _detected(parts: Parts, current: _Step) -> Tracked:
    threshold = min(CANDIDATE_THRESHOLD, parts.postprocess.score_threshold)
    return detect(parts, current.frame, current.resized, threshold)[1]


def _between(
    parts: Parts, first: Tracked, steps: Sequence[_Step], last: Tracked
) -> Iterator[FrameResult]:
    """Yield the frames after one key frame up to and including the next."""
    with parts.timer.stage("carry"):
        forward = _followed(parts, first, steps)
        backward = _followed_back(parts, last, steps)
        pairs: Association = associate(forward, backward)
    for position, current in enumerate(steps[:-1], 1):
        with parts.timer.stage("carry"):
            fused = fuse(
                forward[position - 1],
                backward[position - 1],
                pairs,
                share=position / len(steps),
            )
        yield result_of(parts, current.frame, fused)
    yield result_of(parts, steps[-1].frame, last, key_frame=True)


def _followed(parts: Parts, first: Tracked, steps: Sequence[_Step]) -> list[Tracked]:
    """Carry the first key frame's boxes to every step."""
    found = []
    for current in steps:
        first = _moved(parts, first, current, current.flow, forward=True)
        found.append(first)
    return found


def _followed_back(
    parts: Parts, last: Tracked, steps: Sequence[_Step]
) -> list[Tracked]:
    """Carry the last key frame's boxes back to every step; the order of `steps`."""
    found = [last]
    for later in reversed(steps[1:]):
        found.append(_moved(parts, found[-1], later, later.flow, forward=False))
    return found[::-1]


def _moved(
    parts: Parts,
    tracked: Tracked,
    current: _Step,
    flow: FlowField | None,
    *,
    forward: bool,
) -> Tracked:
    if flow is None:
        return tracked.held()
    return tracked.carried(
        flow,
        frame_size=(current.frame.height, current.frame.width),
        config=parts.transport,
        direction="forward" if forward else "backward",
    )
