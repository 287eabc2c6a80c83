"""Detect with the next key frame in sight: for files, where nobody waits for a frame.

Frames between two key frames are held back until the second has been detected. The
boxes of the first are carried forwards to each of them, those of the second backwards;
a box of either that is the other's object is fused with it, with weights by nearness.
At most one interval of frames is in memory.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from flow.field import FlowField
from propagate.fusion import Association, associate, fuse
from propagate.pipeline import (
    FlowImage,
    FrameResult,
    Parts,
    detect,
    detect_video,
    flow_between,
    followed,
    prepare,
    resize,
    result_of,
    watched,
)
from propagate.tracked import Tracked
from propagate.watch import Watch
from vod.types import ByteArray, Detections, Frame

CANDIDATE_THRESHOLD = 0.2
"""Weak detections of a key frame may be confirmed by the next one."""


@dataclass(frozen=True, eq=False, slots=True)
class _Step:
    """One frame that waits for the next key frame.

    Attributes:
        frame: decoded.
        resized: the detector's picture.
        flow_image: the flow estimator's.
        flow: to the frame before; None without flow, and where nothing is carried.
        forward: the last key frame's boxes, carried here; a key frame's own.
        watch: what tells key frames and cuts, as of this frame.
    """

    frame: Frame
    resized: ByteArray
    flow_image: FlowImage
    flow: FlowField | None
    forward: Tracked
    watch: Watch


def detect_offline(parts: Parts, frames: Iterable[Frame]) -> Iterator[FrameResult]:
    """Yield one result a frame, in order; the last of a scene is a key frame too.

    Holds the frames since the last key frame, and no more. Nothing crosses a cut.
    """
    waiting: list[_Step] = []
    for frame in frames:
        current = _seen(parts, frame, waiting)
        if waiting and not current.watch.is_key(parts.keyframes):
            waiting.append(current)
            continue
        last = _detected(parts, current)
        begins = not waiting or current.watch.is_cut
        if not begins:
            yield from _between(parts, [*waiting, current], last)
        else:
            yield from _scene_end(parts, waiting)
            if len(waiting) > 1:  # the budget pays for the last scene's end as well
                paid = current.watch.after_key(parts.keyframes)
                current = replace(current, watch=paid)
            # No name for the result: it would keep the frame until the next scene.
            yield replace(
                result_of(parts, frame, last, key_frame=True),
                is_cut=current.watch.is_cut,
            )
        after = current.watch.after_key(
            parts.keyframes,
            carried=None if begins else current.forward,
            found=last,
        )
        waiting = [replace(current, forward=last, watch=after)]
    yield from _scene_end(parts, waiting)


def results_of(parts: Parts, frames: Iterable[Frame]) -> Iterator[FrameResult]:
    """Yield one result a frame, in order, in the mode that `parts` names."""
    run = detect_offline if parts.mode == "offline" else detect_video
    return run(parts, frames)


def _seen(parts: Parts, frame: Frame, waiting: Sequence[_Step]) -> _Step:
    """Look at the next frame, and carry the last key frame's boxes to it."""
    policy = parts.keyframes
    previous = waiting[-1] if waiting else None
    resized = resize(parts, frame)
    flow_image = prepare(parts, resized)
    watch = watched(parts, frame, resized, previous.watch if previous else None)
    # Between two key frames in a row lies nothing that boxes could be carried to.
    in_a_row = len(waiting) == 1 and watch.is_key(policy) and not policy.wants_evidence
    if previous is None or watch.is_cut or in_a_row:
        nothing = Tracked.fresh(Detections.empty(), frame.index)
        return _Step(frame, resized, flow_image, None, nothing, watch)
    flow = flow_between(parts, flow_image, previous.flow_image)
    forward = followed(parts, frame, previous.forward, flow)
    with parts.timer.stage("evidence"):
        watch = watch.doubted(
            policy,
            previous.watch,
            flow,
            before=previous.forward,
            after=forward,
        )
    return _Step(frame, resized, flow_image, flow, forward, watch)


def _detected(parts: Parts, current: _Step) -> Tracked:
    threshold = min(CANDIDATE_THRESHOLD, parts.postprocess.score_threshold)
    return detect(parts, current.frame, current.resized, threshold)[1]


def _scene_end(parts: Parts, steps: Sequence[_Step]) -> Iterator[FrameResult]:
    """Yield what still waits when no further frame of the scene comes."""
    if len(steps) > 1:
        yield from _between(parts, steps, _detected(parts, steps[-1]))


def _between(
    parts: Parts, steps: Sequence[_Step], last: Tracked
) -> Iterator[FrameResult]:
    """Yield the frames after one key frame, the first step, up to the next."""
    forward = [step.forward for step in steps[1:]]
    backward = _followed_back(parts, last, steps[1:])
    with parts.timer.stage("carry"):
        pairs: Association = associate(forward, backward)
    for position, current in enumerate(steps[1:-1], 1):
        with parts.timer.stage("carry"):
            fused = fuse(
                forward[position - 1],
                backward[position - 1],
                pairs,
                share=position / (len(steps) - 1),
            ).distinct(iou_threshold=parts.postprocess.iou_threshold)
        yield result_of(parts, current.frame, fused)
    yield result_of(parts, steps[-1].frame, last, key_frame=True)


def _followed_back(
    parts: Parts, last: Tracked, steps: Sequence[_Step]
) -> list[Tracked]:
    """Carry the last key frame's boxes back to every step; the order of `steps`."""
    found = [last]
    for later in reversed(steps[1:]):
        found.append(
            followed(parts, later.frame, found[-1], later.flow, direction="backward")
        )
    return found[::-1]
