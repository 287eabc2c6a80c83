"""The stages of a frame, each timed: what causal and offline detection are made of."""

from dataclasses import replace

import numpy as np

from detector.postprocess import PostprocessConfig
from flow.field import FlowField
from propagate.evidence import SIDE
from propagate.parts import FrameResult, Maps, Parts
from propagate.refine.key_objects import KeyObjects
from propagate.tracked import Tracked
from propagate.transport import Direction
from propagate.view import View
from propagate.warp import Border, warp
from propagate.watch import Watch
from vod.assignment import Rows
from vod.types import ByteArray, Detections, Frame

STILL = FlowField(np.zeros((1, 1, 2), np.float32))
"""The flow between two frames with the same picture."""


def resize(parts: Parts, frame: Frame) -> ByteArray:
    """Shrink a frame to the detector's input."""
    with parts.timer.stage("resize"):
        return parts.detector.preprocessing.picture_of(frame)


def picture_of(parts: Parts, view: View) -> ByteArray:
    """Shrink a frame to the detector's input, if that was not done yet."""
    with parts.timer.stage("resize"):
        return view.picture


def is_same(one: ByteArray, other: ByteArray) -> bool:
    """Say whether two pictures `(H, W, ...)` are equal byte for byte.

    Screen recordings, slides and converted frame rates repeat frames. A few rows tell
    at once where they do not.
    """
    few = slice(None, None, 50)
    return np.array_equal(one[few], other[few]) and np.array_equal(one, other)


def watched(parts: Parts, view: View, earlier: Watch | None) -> Watch:
    """Look at a frame for cuts, after the frame before it, if there is one."""
    policy = parts.keyframes
    with parts.timer.stage("resize"):
        picture = view.glimpse(SIDE)
    with parts.timer.stage("evidence"):
        if earlier is None:
            return Watch.first(policy, picture, view.size)
        return earlier.next(policy, picture, view.size)


def flow_between(parts: Parts, current: View, earlier: View) -> FlowField | None:
    """Estimate the flow from the current to an earlier frame.

    None without an estimator, and `STILL` where it sees the same twice.
    """
    if parts.flow is None:
        return None
    with parts.timer.stage("resize"):
        now, then = current.for_flow(parts.flow), earlier.for_flow(parts.flow)
    if is_same(now, then):
        return STILL
    with parts.timer.stage("flow"):
        return parts.flow(now, then)


def followed(
    parts: Parts,
    frame: Frame,
    tracked: Tracked,
    flow: FlowField | None,
    *,
    direction: Direction = "forward",
) -> Tracked:
    """Carry boxes to a neighbouring frame of the same size; hold them without flow."""
    if flow is None or flow is STILL:
        return tracked.held()
    with parts.timer.stage("carry"):
        return tracked.carried(
            flow,
            frame_size=(frame.height, frame.width),
            config=parts.transport,
            direction=direction,
        )


def corrected(
    parts: Parts,
    view: View,
    key: KeyObjects,
    carried: Tracked,
    *,
    before: int,
    rows: Rows | None = None,
) -> Tracked:
    """Put carried boxes back onto their objects, where that is due.

    Args:
        parts: with the refiner, if there is one.
        view: of the frame that the boxes were carried to.
        key: the objects of their key frame.
        carried: the boxes.
        before: their age, in frames, when they were last looked at.
        rows: which of the key frame's objects they are; None is all.
    """
    refiner, age = parts.refiner, abs(view.frame.index - key.frame.index)
    if refiner is None or parts.flow is None or not refiner.is_due(age, before):
        return carried
    picture = picture_of(parts, view)
    with parts.timer.stage("refine"):
        templates = key.templates(refiner, parts.postprocess.score_threshold)
        return refiner.refined(
            picture,
            carried,
            templates if rows is None else templates.select(rows),
            frame_size=view.size,
            since=refiner.since(age),
        )


def detect(
    parts: Parts,
    frame: Frame,
    resized: ByteArray,
    score_threshold: float,
    *,
    maps: Maps | None = None,
) -> tuple[Maps, Tracked]:
    """Run the detector on a frame: its maps, unless they are known, and what it finds.

    Classes that nobody asked for are dropped here, where they cost nothing further,
    unless evidence is gathered from all that moves.
    """
    if maps is None:
        with parts.timer.stage("features"):
            maps = parts.detector.features(
                parts.detector.preprocessing.input_of(resized)
            )
    postprocess = replace(parts.postprocess, score_threshold=score_threshold)
    found = run_head(parts, frame, maps, postprocess)
    if parts.labels is not None and not parts.keyframes.wants_evidence:
        found = found.select(np.isin(found.labels, parts.labels))
    return maps, Tracked.fresh(found, frame.index)


def run_head(
    parts: Parts, frame: Frame, maps: Maps, postprocess: PostprocessConfig
) -> Detections:
    """Turn maps, fresh or warped, into boxes in pixels of the frame."""
    with parts.timer.stage("head"):
        return parts.detector.detect(
            maps,
            frame_height=frame.height,
            frame_width=frame.width,
            postprocess=postprocess,
        )


def warp_maps(maps: Maps, flow: FlowField, *, border: Border) -> Maps:
    """Warp every map `(1, h, w, c)` along one flow field, resized to its grid."""
    return tuple(
        warp(m[0], flow.resized(*m.shape[1:3]).data, border=border).astype(
            np.float32, copy=False
        )[None]
        for m in maps
    )


def found_in_warped(
    parts: Parts, frame: Frame, maps: Maps, flow: FlowField, *, key_index: int
) -> Tracked:
    """Find objects in maps that were warped along a flow to the key frame."""
    found = Tracked.fresh(run_head(parts, frame, maps, parts.postprocess), key_index)
    # Carried back, the boxes tell how far they have come; they themselves stay.
    back = found.carried(
        flow,
        frame_size=(frame.height, frame.width),
        config=parts.transport,
        direction="backward",
    )
    ages = np.full(len(found), frame.index - key_index, np.int32)
    return replace(back, detections=found.detections, ages=ages)


def result_of(
    parts: Parts, frame: Frame, tracked: Tracked, *, key_frame: bool = False
) -> FrameResult:
    """Give what is put out of what is followed."""
    shown = tracked.shown(
        frame_size=(frame.height, frame.width),
        threshold=parts.postprocess.score_threshold,
        limit=parts.postprocess.max_detections,
    )
    return FrameResult(frame, shown, key_frame)
