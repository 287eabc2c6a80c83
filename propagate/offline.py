"""Detect with the next key frame in sight: for files, where nobody waits for a frame.

Frames between two key frames are held back until the second has been detected. The
boxes of the first are carried forwards to each of them, those of the second backwards;
every few frames a look at the frame corrects them; a box of either that is the other's
object is fused with it, with weights by nearness.
At most one interval of frames is in memory.

Of a frame that sparse decoding has left out, nothing is looked at: it is no key frame,
no flow ends there, and its boxes lie evenly between those before and after.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from flow.field import FlowField
from propagate.fusion import associate, fuse
from propagate.paper_pipeline import detect_paper
from propagate.parts import FrameResult, Parts
from propagate.paths import Correction, Path, carry_between
from propagate.pipeline import detect_video
from propagate.reach import frames_within_reach
from propagate.refine.key_objects import KeyObjects
from propagate.stages import (
    STILL,
    corrected,
    detect,
    flow_between,
    followed,
    is_same,
    picture_of,
    result_of,
    watched,
)
from propagate.tracked import Tracked
from propagate.view import View
from propagate.watch import Watch
from vod.assignment import Rows
from vod.types import Detections, Frame

CANDIDATE_THRESHOLD = 0.2
"""Weak detections of a key frame may be confirmed by the next one."""


@dataclass(frozen=True, eq=False, slots=True)
class _Step:
    """One frame that waits for the next key frame.

    Attributes:
        view: of the frame.
        flow: to the frame `span` before.
        objects: what the detector found, on key frames; else None.
        forward: a key frame's own boxes; those of the last key frame, carried here,
            where the policy wants evidence; else None.
        watch: what tells key frames and cuts, as of this frame.
        span: frames; 0 where no flow is estimated, or nothing is known to need it yet.
        reach: frames that the next flow may span, see `frames_within_reach`.
    """

    view: View
    flow: FlowField | None
    objects: KeyObjects | None
    forward: Tracked | None
    watch: Watch
    span: int = 0
    reach: int = 1

    @property
    def frame(self) -> Frame:
        """The decoded frame."""
        return self.view.frame


def detect_offline(parts: Parts, frames: Iterable[Frame]) -> Iterator[FrameResult]:
    """Yield one result a frame, in order; the last of a scene is a key frame too.

    Holds the frames since the last key frame, and no more. Nothing crosses a cut.
    """
    waiting: list[_Step] = []
    for frame in frames:
        current = _seen(parts, frame, waiting)
        is_key = not frame.is_skipped and current.watch.is_key(parts.keyframes)
        if waiting and not is_key:
            waiting.append(current)
            continue
        last = _detected(parts, current, waiting[:1])
        objects = KeyObjects(current.view, last)
        begins = not waiting or current.watch.is_cut
        if not begins:
            yield from _between(parts, [*waiting, current], objects)
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
        waiting = [replace(current, objects=objects, forward=last, watch=after)]
    yield from _scene_end(parts, waiting)


def results_of(parts: Parts, frames: Iterable[Frame]) -> Iterator[FrameResult]:
    """Yield one result a frame, in order, as `parts` say."""
    if parts.paper is not None:
        return detect_paper(parts, parts.paper, frames)
    run = detect_offline if parts.mode == "offline" else detect_video
    return run(parts, frames)


def _seen(parts: Parts, frame: Frame, waiting: Sequence[_Step]) -> _Step:
    """Look at the next frame, and carry the last key frame's boxes to it."""
    policy = parts.keyframes
    view = View(frame, parts.detector.preprocessing)
    previous = waiting[-1] if waiting else None
    if frame.is_skipped and previous is not None and not policy.wants_evidence:
        return _Step(
            view, None, None, None, previous.watch.unseen(policy), reach=previous.reach
        )
    watch = watched(parts, view, previous.watch if previous else None)
    nothing = _Step(view, None, None, None, watch)
    if previous is None or watch.is_cut:
        return nothing
    wants, before = policy.wants_evidence, 1
    if not wants:
        before = _frames_since_flow(waiting)
        # Between two key frames in a row lies nothing that boxes could be carried to.
        in_a_row = len(waiting) == 1 and watch.is_key(policy)
        is_due = before >= min(previous.reach, parts.flow_stride) and not in_a_row
        if not is_due or not _is_shown(parts, waiting[0].forward):
            return replace(nothing, reach=previous.reach)
    flow = flow_between(parts, view, waiting[-before].view)
    seen = _Step(
        view, flow, None, None, watch, before, frames_within_reach(flow, before)
    )
    if not wants or previous.forward is None:
        return seen
    forward = followed(parts, frame, previous.forward, flow)
    with parts.timer.stage("evidence"):
        watch = watch.doubted(
            policy,
            previous.watch,
            before=previous.forward,
            after=forward if flow is not None else None,
        )
    if waiting[0].objects is not None:
        before = len(waiting) - 1
        forward = corrected(parts, view, waiting[0].objects, forward, before=before)
    return replace(seen, forward=forward, watch=watch)


def _frames_since_flow(waiting: Sequence[_Step]) -> int:
    """Count the frames since the last one that has a flow, or the key frame."""
    place = len(waiting) - 1
    while place > 0 and not waiting[place].span:
        place -= 1
    return len(waiting) - place


def _is_shown(parts: Parts, found: Tracked | None) -> bool:
    """Say whether anything of a key frame is sure to be put out, and so carried."""
    threshold = parts.postprocess.score_threshold
    return found is not None and bool((found.detections.scores >= threshold).any())


def _detected(parts: Parts, current: _Step, key: Sequence[_Step]) -> Tracked:
    """Run the detector, unless the last `key` frame's picture is the same."""
    picture = picture_of(parts, current.view)
    for before in key:
        if before.forward is not None and is_same(picture, before.view.picture):
            found = before.forward.detections
            if before.watch.size == current.watch.size:
                return Tracked.fresh(found, current.frame.index)
    threshold = min(CANDIDATE_THRESHOLD, parts.postprocess.score_threshold)
    return detect(parts, current.frame, picture, threshold)[1]


def _scene_end(parts: Parts, steps: Sequence[_Step]) -> Iterator[FrameResult]:
    """Yield what still waits when no further frame of the scene comes."""
    if len(steps) < 2:
        return
    last = max(place for place, step in enumerate(steps) if not step.frame.is_skipped)
    found = _objects_of(steps[0]).found
    if last:
        found = _detected(parts, steps[last], steps[:1])
        objects = KeyObjects(steps[last].view, found)
        yield from _between(parts, steps[: last + 1], objects)
    for step in steps[last + 1 :]:
        found = found.held()
        yield result_of(parts, step.frame, found)


def _between(
    parts: Parts, steps: Sequence[_Step], last: KeyObjects
) -> Iterator[FrameResult]:
    """Yield the frames after one key frame, the first step, up to the next."""
    if len(steps) > 2:
        between = _fused(parts, steps, last)
        for step, shown in zip(steps[1:-1], between, strict=True):
            yield FrameResult(step.frame, shown, key_frame=False)
    yield result_of(parts, steps[-1].frame, last.found, key_frame=True)


def _fused(parts: Parts, steps: Sequence[_Step], end: KeyObjects) -> list[Tracked]:
    """Give what is put out on the frames between two key frames, in order."""
    begin = _objects_of(steps[0])
    known = [step.forward for step in steps[1:] if step.forward is not None]
    kept = _hopeful(begin.found, end.found, parts.postprocess.score_threshold)
    if known:  # the first key frame's boxes, all of them, have been carried already
        kept = [kept[0][:0], np.arange(len(end.found))]
    first, last = begin.found.select(kept[0]), end.found.select(kept[1])
    frame, post = steps[0].frame, parts.postprocess
    flows = _flows(parts, steps) if len(first) or len(last) else {}
    with parts.timer.stage("carry"):
        ahead, back = carry_between(
            first,
            last,
            list(flows.values()),
            frame_size=(frame.height, frame.width),
            config=parts.transport,
            places=[0, *flows] if flows else [0, len(steps) - 1],
            corrections=[
                _correction(parts, steps, key, rows)
                for key, rows in zip((begin, end), kept, strict=True)
            ],
        )
        if known:
            ahead = Path.of(begin.found, known)
        return fuse(ahead, back, associate(ahead, back)).shown(
            frame_size=(frame.height, frame.width),
            iou_threshold=post.iou_threshold,
            threshold=post.score_threshold,
            limit=post.max_detections,
        )


def _objects_of(step: _Step) -> KeyObjects:
    if step.objects is not None:
        return step.objects
    return KeyObjects(step.view, Tracked.fresh(Detections.empty(), step.frame.index))


def _correction(
    parts: Parts, steps: Sequence[_Step], key: KeyObjects, rows: Rows
) -> Correction:
    """Give what corrects `rows` of a key frame's objects between the key frames."""

    def correct(place: int, carried: Tracked, *, before: int) -> Tracked:
        if not 0 < place < len(steps) - 1:
            return carried
        view = steps[place].view
        return corrected(parts, view, key, carried, before=before, rows=rows)

    return correct


def _hopeful(first: Tracked, last: Tracked, threshold: float) -> list[Rows]:
    """Give the rows of the classes of which something may be put out in between.

    Fused boxes are no surer than the surest of their class on either key frame.
    """
    found = [first.detections, last.detections]
    sure = np.concatenate([side.labels[side.scores >= threshold] for side in found])
    return [np.flatnonzero((side.labels[:, None] == sure).any(1)) for side in found]


def _flows(parts: Parts, steps: Sequence[_Step]) -> dict[int, FlowField | None]:
    """Give flows from the first frame to the last, each by the step that it ends at.

    Each begins where the one before ends; None where nothing moved.
    """
    found: dict[int, FlowField | None] = {}
    last, place, reach = len(steps) - 1, 0, steps[0].reach
    known = [number for number, step in enumerate(steps) if number and step.span]
    while place < last:
        if known:  # estimated as frames came in: only the key frame's may be missing
            end = next((number for number in known if number > place), last)
        else:
            end = _end_of_flow(steps, place, min(reach, parts.flow_stride))
        step = steps[end]
        flow = step.flow
        if not step.span:
            flow = flow_between(parts, step.view, steps[place].view)
        place, reach = end, frames_within_reach(flow, end - place)
        found[place] = None if flow is STILL else flow
    return found


def _end_of_flow(steps: Sequence[_Step], begin: int, most: int) -> int:
    """Give where a flow from `begin` ends: `most` frames on, or where a picture is."""
    seen = [n for n in range(begin + 1, len(steps)) if not steps[n].frame.is_skipped]
    return max((n for n in seen if n <= begin + most), default=seen[0])
