"""The path of a frame through the paper's system, from past frames alone.

    key frame?  yes: features(image) ─ GRU(state warped along the flow) ─ maps ─ head
                no:  warp(key's maps, flow(image, key's image)) ─ head

State goes in and comes out; a scene cut begins anew.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from propagate.paper_detector import PaperDetector, PaperKey
from propagate.parts import FrameResult, Parts
from propagate.stages import (
    found_in_warped,
    picture_of,
    result_of,
    run_head,
    watched,
)
from propagate.tracked import Tracked
from propagate.view import View
from propagate.watch import Watch
from vod.types import FloatArray, Frame


@dataclass(frozen=True, eq=False, slots=True)
class PaperState:
    """What the following frames need of those before them.

    Attributes:
        index: frame index of the last key frame.
        key: what it leaves.
        found: what was found on the last frame.
        watch: what tells key frames and cuts, as of the last frame.
    """

    index: int
    key: PaperKey
    found: Tracked
    watch: Watch


def detect_paper(
    parts: Parts, system: PaperDetector, frames: Iterable[Frame]
) -> Iterator[FrameResult]:
    """Yield one result a frame, in order, from past frames alone."""
    state: PaperState | None = None
    for frame in frames:
        result, state = step(parts, system, frame, state)
        yield result


def step(
    parts: Parts, system: PaperDetector, frame: Frame, state: PaperState | None
) -> tuple[FrameResult, PaperState]:
    """Find the objects of one frame.

    Args:
        parts: the policies, and the system's head as the detector.
        system: the networks.
        frame: the current frame.
        state: after the previous frame, None at the start.

    Returns:
        The result, and the state for the next frame.
    """
    view = View(frame, parts.detector.preprocessing)
    watch = watched(parts, view, state.watch if state else None)
    if state is not None and not watch.is_key(parts.keyframes):
        with parts.timer.stage("evidence"):
            # A flow to the key frame does not tell what happened since the last frame.
            watch = watch.doubted(
                parts.keyframes, state.watch, before=state.found, after=None
            )
    picture = picture_of(parts, view)
    with parts.timer.stage("resize"):
        image = parts.detector.preprocessing.normalise(picture)
    if state is None or watch.is_key(parts.keyframes):
        before = None if state is None or watch.is_cut else state.key
        return _key_frame(parts, system, frame, image, before=before, watch=watch)
    with parts.timer.stage("flow"):
        flow, maps = system.between(image, state.key)
    found = found_in_warped(parts, frame, maps, flow, key_index=state.index)
    state = replace(state, found=found, watch=watch)
    return result_of(parts, frame, found), state


def _key_frame(
    parts: Parts,
    system: PaperDetector,
    frame: Frame,
    image: FloatArray,
    *,
    before: PaperKey | None,
    watch: Watch,
) -> tuple[FrameResult, PaperState]:
    with parts.timer.stage("features"):
        key = system.key(image, before)
    detections = run_head(parts, frame, key.maps, parts.postprocess)
    found = Tracked.fresh(detections, frame.index)
    after = watch.after_key(parts.keyframes, found=found)
    state = PaperState(frame.index, key, found, after)
    result = result_of(parts, frame, found, key_frame=True)
    return replace(result, is_cut=watch.is_cut), state
