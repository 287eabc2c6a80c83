"""The one path of a frame: key frames are detected, the others inherit along the flow.

    key frame?  yes: features(image) ─ head ─ decode + NMS ─ boxes
                no:  the last frame's boxes, carried by flow(image, last image)
                or   warp(key's maps, flow(image, key's image)) ─ head ─ boxes

Boxes travel by default: measured, they keep far more of the detector's quality than
warped maps do (README). State goes in and comes out; no network remembers anything.
This is the causal path, for live sources; `propagate.offline` looks ahead.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from detector.detector import Detector
from detector.postprocess import PostprocessConfig
from flow.estimator import FlowEstimator
from flow.field import FlowField
from propagate.calibration import CalibrationConfig, calibrated
from propagate.keyframes import KeyframePolicy
from propagate.timing import StageTimer
from propagate.tracked import Tracked
from propagate.transport import Direction, TransportConfig
from propagate.warp import Border, warp
from propagate.watch import Watch
from vod.types import ByteArray, Detections, FloatArray, Frame, IntArray

Maps = tuple[FloatArray, ...]
Travels = Literal["boxes", "maps"]
Mode = Literal["causal", "offline"]

FlowImage = npt.NDArray[Any] | None
"""What the flow estimator made of a picture; None without flow."""


@dataclass(frozen=True, eq=False, slots=True)
class KeyState:
    """What the following frames need of those before them.

    Attributes:
        index: frame index of the last key frame.
        picture: the last frame's, as the detector sees it.
        key_picture: the last key frame's.
        flow_image: of the picture that the next flow refers to: the last frame's where
            boxes travel, the key frame's where maps do.
        maps: the key frame's propagated maps, `(1, h, w, c)` each.
        tracked: what is followed, as of the last frame.
        watch: what tells key frames and cuts, as of the last frame.
    """

    index: int
    picture: ByteArray
    key_picture: ByteArray
    flow_image: FlowImage
    maps: Maps
    tracked: Tracked
    watch: Watch


@dataclass(frozen=True, eq=False, slots=True)
class FrameResult:
    """One frame with what was found in it.

    Attributes:
        frame: the decoded frame.
        tracked: boxes in its pixels, with their provenance.
        key_frame: True where the whole detector ran.
        is_cut: True where a new scene begins: nothing comes from before.
    """

    frame: Frame
    tracked: Tracked
    key_frame: bool
    is_cut: bool = False

    @property
    def detections(self) -> Detections:
        """The boxes alone."""
        return self.tracked.detections


@dataclass(frozen=True, eq=False, slots=True)
class Parts:
    """Everything a frame passes through.

    Attributes:
        detector: its two halves, with the propagated maps between them.
        flow: estimates motion between frames; None holds the key frame's boxes.
        keyframes: decides where the whole detector runs.
        postprocess: score threshold, NMS and limits.
        mode: `causal` uses past frames only, `offline` the next key frame as well.
        travels: what goes from key frames to the others.
        transport: how boxes are carried.
        calibration: of the scores of boxes carried in mode causal; None leaves them.
        border: what the warp of maps finds outside them.
        labels: nobody asked for other classes; None for all.
        timer: collects the time of each stage.
    """

    detector: Detector
    flow: FlowEstimator | None
    keyframes: KeyframePolicy
    postprocess: PostprocessConfig
    mode: Mode = "causal"
    travels: Travels = "boxes"
    transport: TransportConfig = field(default_factory=TransportConfig)
    calibration: CalibrationConfig | None = None
    border: Border = "edge"
    labels: IntArray | None = None
    timer: StageTimer = field(default_factory=StageTimer)


STILL = FlowField(np.zeros((1, 1, 2), np.float32))
"""The flow between two frames with the same picture."""


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
    resized = resize(parts, frame)
    flow_image = prepare(parts, resized)
    same = key is not None and is_same(resized, key.picture)
    watch = watched(parts, frame, resized, key.watch if key else None, same=same)
    if key is None or watch.is_key(parts.keyframes):
        return _key_frame(parts, frame, resized, flow_image, watch, earlier=key)
    warps = parts.flow is not None and parts.travels == "maps"
    carried, flow = _carried(parts, frame, key, flow_image, same=same and not warps)
    with parts.timer.stage("evidence"):
        # A flow to the key frame does not tell what happened since the last frame.
        watch = watch.doubted(
            parts.keyframes,
            key.watch,
            None if warps else flow,
            before=key.tracked,
            after=carried,
        )
    if watch.is_key(parts.keyframes):
        expected = None if warps else carried
        return _key_frame(
            parts, frame, resized, flow_image, watch, earlier=key, carried=expected
        )
    if warps and flow is not None:
        found = _warped(parts, frame, key, flow)
        state = replace(key, picture=resized, watch=watch)
        return result_of(parts, frame, found), state
    state = replace(
        key, picture=resized, flow_image=flow_image, tracked=carried, watch=watch
    )
    result = result_of(parts, frame, carried)
    if parts.calibration is not None and flow is not None:
        # After the threshold: calibration orders what is shown, it hides nothing.
        shown = calibrated(result.tracked, parts.calibration)
        result = replace(result, tracked=shown)
    return result, state


def _carried(
    parts: Parts, frame: Frame, key: KeyState, flow_image: FlowImage, *, same: bool
) -> tuple[Tracked, FlowField | None]:
    """Bring what is followed to the next frame: along which flow, if any is needed."""
    if parts.flow is not None and parts.travels == "maps":
        return key.tracked, flow_between(parts, flow_image, key.flow_image)
    if same and parts.flow is not None:
        return key.tracked.held(), STILL
    if not len(key.tracked) and not parts.keyframes.wants_evidence:
        return key.tracked, None
    flow = flow_between(parts, flow_image, key.flow_image)
    return followed(parts, frame, key.tracked, flow), flow


def _key_frame(
    parts: Parts,
    frame: Frame,
    resized: ByteArray,
    flow_image: FlowImage,
    watch: Watch,
    *,
    earlier: KeyState | None,
    carried: Tracked | None = None,
) -> tuple[FrameResult, KeyState]:
    maps, found = _detected(parts, frame, resized, earlier)
    after = watch.after_key(parts.keyframes, carried=carried, found=found)
    state = KeyState(frame.index, resized, resized, flow_image, maps, found, after)
    result = result_of(parts, frame, found, key_frame=True)
    return replace(result, is_cut=watch.is_cut), state


def _detected(
    parts: Parts, frame: Frame, resized: ByteArray, earlier: KeyState | None
) -> tuple[Maps, Tracked]:
    """Run the whole detector, unless the last key frame's picture was the same."""
    threshold = parts.postprocess.score_threshold
    maps = None
    if earlier is not None and is_same(resized, earlier.key_picture):
        maps = earlier.maps
    return detect(parts, frame, resized, threshold, maps=maps)


def is_same(one: ByteArray, other: ByteArray) -> bool:
    """Say whether two pictures `(H, W, 3)` are equal byte for byte.

    Screen recordings, slides and converted frame rates repeat frames. A few rows tell
    at once where they do not.
    """
    few = slice(None, None, 50)
    return np.array_equal(one[few], other[few]) and np.array_equal(one, other)


def watched(
    parts: Parts,
    frame: Frame,
    resized: ByteArray,
    earlier: Watch | None,
    *,
    same: bool = False,
) -> Watch:
    """Look at a frame for cuts, after the frame before it, if there is one."""
    size = (frame.height, frame.width)
    with parts.timer.stage("evidence"):
        if earlier is None:
            return Watch.first(parts.keyframes, resized, size)
        return earlier.next(parts.keyframes, resized, size, is_same=same)


def followed(
    parts: Parts,
    frame: Frame,
    tracked: Tracked,
    flow: FlowField | None,
    *,
    direction: Direction = "forward",
) -> Tracked:
    """Carry boxes to a neighbouring frame of the same size; hold them without flow."""
    if flow is None:
        return tracked.held()
    with parts.timer.stage("carry"):
        return tracked.carried(
            flow,
            frame_size=(frame.height, frame.width),
            config=parts.transport,
            direction=direction,
        )


def resize(parts: Parts, frame: Frame) -> ByteArray:
    """Shrink a frame to the detector's input."""
    with parts.timer.stage("resize"):
        return parts.detector.preprocessing.picture_of(frame)


def prepare(parts: Parts, resized: ByteArray) -> FlowImage:
    """Make the flow estimator's input; None without flow."""
    if parts.flow is None:
        return None
    with parts.timer.stage("resize"):
        return parts.flow.prepare(resized)


def flow_between(
    parts: Parts, current: FlowImage, earlier: FlowImage
) -> FlowField | None:
    """Estimate the flow from the current to an earlier frame; None without flow."""
    if parts.flow is None or current is None or earlier is None:
        return None
    with parts.timer.stage("flow"):
        return parts.flow(current, earlier)


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
    found = _head(parts, frame, maps, postprocess)
    if parts.labels is not None and not parts.keyframes.wants_evidence:
        found = found.select(np.isin(found.labels, parts.labels))
    return maps, Tracked.fresh(found, frame.index)


def _warped(parts: Parts, frame: Frame, key: KeyState, flow: FlowField) -> Tracked:
    """Find objects in the key frame's maps, warped along one flow."""
    with parts.timer.stage("warp"):
        maps = warp_maps(key.maps, flow, border=parts.border)
    found = Tracked.fresh(_head(parts, frame, maps, parts.postprocess), key.index)
    # Carried back, the boxes tell how far they have come; they themselves stay.
    back = found.carried(
        flow,
        frame_size=(frame.height, frame.width),
        config=parts.transport,
        direction="backward",
    )
    ages = np.full(len(found), frame.index - key.index, np.int32)
    return replace(back, detections=found.detections, ages=ages)


def warp_maps(maps: Maps, flow: FlowField, *, border: Border) -> Maps:
    """Warp every map `(1, h, w, c)` along one flow field, resized to its grid."""
    return tuple(
        warp(m[0], flow.resized(*m.shape[1:3]).data, border=border).astype(
            np.float32, copy=False
        )[None]
        for m in maps
    )


def _head(
    parts: Parts, frame: Frame, maps: Maps, postprocess: PostprocessConfig
) -> Detections:
    with parts.timer.stage("head"):
        return parts.detector.detect(
            maps,
            frame_height=frame.height,
            frame_width=frame.width,
            postprocess=postprocess,
        )


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
