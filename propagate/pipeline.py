"""The one path of a frame: key frames are detected, the others inherit along the flow.

    key frame?  yes: features(image) ─ head ─ decode + NMS ─ boxes
                no:  the last frame's boxes, carried by flow(image, last image),
                     every few frames corrected with a look at the image
                or   warp(key's maps, flow(image, key's image)) ─ head ─ boxes

Boxes travel by default: measured, they keep far more of the detector's quality than
warped maps do (README). State goes in and comes out; no network remembers anything.
This is the causal path, for live sources; `propagate.offline` looks ahead.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from flow.field import FlowField
from propagate.calibration import calibrated
from propagate.parts import FrameResult, Maps, Parts
from propagate.refine.key_objects import KeyObjects
from propagate.stages import (
    corrected,
    detect,
    flow_between,
    followed,
    found_in_warped,
    is_same,
    picture_of,
    result_of,
    warp_maps,
    watched,
)
from propagate.tracked import Tracked
from propagate.view import View
from propagate.watch import Watch
from vod.types import ByteArray, Frame


@dataclass(frozen=True, eq=False, slots=True)
class KeyState:
    """What the following frames need of those before them.

    Attributes:
        index: frame index of the last key frame.
        picture: the last key frame's, as the detector sees it.
        view: of the frame that the next flow refers to: the last one where boxes
            travel, the key frame where maps do.
        maps: the key frame's propagated maps, `(1, h, w, c)` each.
        objects: what the detector found on the key frame.
        tracked: what is followed, as of the last frame.
        watch: what tells key frames and cuts, as of the last frame.
    """

    index: int
    picture: ByteArray
    view: View
    maps: Maps
    objects: KeyObjects
    tracked: Tracked
    watch: Watch


def detect_video(parts: Parts, frames: Iterable[Frame]) -> Iterator[FrameResult]:
    """Yield one result a frame, in order, from past frames alone (causal)."""
    key: KeyState | None = None
    for frame in frames:
        result, key = step(parts, frame, key)
        yield result


def step(
    parts: Parts, frame: Frame, key: KeyState | None
) -> tuple[FrameResult, KeyState]:
    """Find the objects of one frame.

    Args:
        parts: the networks and policies.
        frame: the current frame.
        key: state after the previous frame, None at the start or after a cut.

    Returns:
        The result, and the state for the next frame.
    """
    view = View(frame, parts.detector.preprocessing)
    watch = watched(parts, view, key.watch if key else None)
    if key is None or watch.is_key(parts.keyframes):
        return _key_frame(parts, view, watch, earlier=key)
    warps = parts.flow is not None and parts.travels == "maps"
    carried, flow = _carried(parts, frame, key, view)
    with parts.timer.stage("evidence"):
        # A flow to the key frame does not tell what happened since the last frame.
        watch = watch.doubted(
            parts.keyframes,
            key.watch,
            before=key.tracked,
            after=None if warps or flow is None else carried,
        )
    if watch.is_key(parts.keyframes):
        expected = None if warps else carried
        return _key_frame(parts, view, watch, earlier=key, carried=expected)
    if warps and flow is not None:
        with parts.timer.stage("warp"):
            maps = warp_maps(key.maps, flow, border=parts.border)
        found = found_in_warped(parts, frame, maps, flow, key_index=key.index)
        return result_of(parts, frame, found), replace(key, watch=watch)
    before = frame.index - key.index - 1
    carried = corrected(parts, view, key.objects, carried, before=before)
    state = replace(key, view=view, tracked=carried, watch=watch)
    result = result_of(parts, frame, carried)
    if parts.calibration is not None and flow is not None:
        # After the threshold: calibration orders what is shown, it hides nothing.
        shown = calibrated(result.tracked, parts.calibration)
        result = replace(result, tracked=shown)
    return result, state


def _carried(
    parts: Parts, frame: Frame, key: KeyState, view: View
) -> tuple[Tracked, FlowField | None]:
    """Bring what is followed to the next frame: along which flow, if any is needed."""
    if parts.flow is not None and parts.travels == "maps":
        return key.tracked, flow_between(parts, view, key.view)
    if not len(key.tracked) and not parts.keyframes.wants_evidence:
        return key.tracked, None
    flow = flow_between(parts, view, key.view)
    return followed(parts, frame, key.tracked, flow), flow


def _key_frame(
    parts: Parts,
    view: View,
    watch: Watch,
    *,
    earlier: KeyState | None,
    carried: Tracked | None = None,
) -> tuple[FrameResult, KeyState]:
    frame, picture = view.frame, picture_of(parts, view)
    maps, found = _detected(parts, frame, picture, earlier)
    after = watch.after_key(parts.keyframes, carried=carried, found=found)
    objects = KeyObjects(view, found)
    state = KeyState(frame.index, picture, view, maps, objects, found, after)
    result = result_of(parts, frame, found, key_frame=True)
    return replace(result, is_cut=watch.is_cut), state


def _detected(
    parts: Parts, frame: Frame, picture: ByteArray, earlier: KeyState | None
) -> tuple[Maps, Tracked]:
    """Run the whole detector, unless the last key frame's picture was the same."""
    threshold = parts.postprocess.score_threshold
    maps = None
    if earlier is not None and is_same(picture, earlier.picture):
        maps = earlier.maps
    return detect(parts, frame, picture, threshold, maps=maps)
