"""The one path of a frame: key frames are detected, the others inherit along the flow.

    image ─ key frame?  yes: maps = features(image)                -> new KeyState
                        no:  maps = warp(key.maps, flow(image, key.image))
    maps ─ head ─ decode + NMS ─ Detections

State goes in and comes out; no network remembers anything.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from detector.detector import Detector
from detector.postprocess import PostprocessConfig
from flow.estimator import FlowEstimator
from flow.field import FlowField
from propagate.keyframes import KeyframePolicy
from propagate.timing import StageTimer
from propagate.warp import Border, warp
from vod.types import ByteArray, Detections, FloatArray, Frame

Maps = tuple[FloatArray, ...]


@dataclass(frozen=True, eq=False, slots=True)
class KeyState:
    """What the following frames need of the last key frame.

    Attributes:
        index: its frame index.
        flow_image: what the flow estimator made of its picture; None without flow.
        maps: the detector's propagated maps, `(1, h, w, c)` each.
        detections: what was found in it.
    """

    index: int
    flow_image: npt.NDArray[Any] | None
    maps: Maps
    detections: Detections


@dataclass(frozen=True, eq=False, slots=True)
class FrameResult:
    """One frame with what was found in it.

    Attributes:
        frame: the decoded frame.
        detections: boxes in its pixels.
        key_frame: True where the whole detector ran.
    """

    frame: Frame
    detections: Detections
    key_frame: bool


@dataclass(frozen=True, eq=False, slots=True)
class Parts:
    """Everything a frame passes through.

    Attributes:
        detector: its two halves, with the propagated maps between them.
        flow: estimates motion since the key frame; None holds the key frame's boxes.
        keyframes: decides where the whole detector runs.
        postprocess: score threshold, NMS and limits.
        border: what the warp finds outside a map.
        timer: collects the time of each stage.
    """

    detector: Detector
    flow: FlowEstimator | None
    keyframes: KeyframePolicy
    postprocess: PostprocessConfig
    border: Border = "edge"
    timer: StageTimer = field(default_factory=StageTimer)


def detect_video(parts: Parts, frames: Iterable[Frame]) -> Iterator[FrameResult]:
    """Yield one result a frame, in order; holds at most one key frame in memory."""
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
    with parts.timer.stage("resize"):
        resized = parts.detector.preprocessing.resize(frame.rgb)
    if key is None or parts.keyframes.is_key(frame.index, key.index):
        return _key_frame(parts, frame, resized)
    return _propagated_frame(parts, frame, resized, key), key


def _key_frame(
    parts: Parts, frame: Frame, resized: ByteArray
) -> tuple[FrameResult, KeyState]:
    with parts.timer.stage("features"):
        maps = parts.detector.features(parts.detector.preprocessing.normalise(resized))
    detections = _head(parts, frame, maps)
    with parts.timer.stage("resize"):
        flow_image = parts.flow.prepare(resized) if parts.flow is not None else None
    state = KeyState(frame.index, flow_image, maps, detections)
    return FrameResult(frame, detections, key_frame=True), state


def _propagated_frame(
    parts: Parts, frame: Frame, resized: ByteArray, key: KeyState
) -> FrameResult:
    if parts.flow is None or key.flow_image is None:
        return FrameResult(frame, key.detections, key_frame=False)
    with parts.timer.stage("flow"):
        flow = parts.flow(parts.flow.prepare(resized), key.flow_image)
    with parts.timer.stage("warp"):
        maps = warp_maps(key.maps, flow, border=parts.border)
    detections = _head(parts, frame, maps)
    return FrameResult(frame, detections, key_frame=False)


def warp_maps(maps: Maps, flow: FlowField, *, border: Border) -> Maps:
    """Warp every map `(1, h, w, c)` along one flow field, resized to its grid."""
    return tuple(
        warp(m[0], flow.resized(*m.shape[1:3]).data, border=border).astype(
            np.float32, copy=False
        )[None]
        for m in maps
    )


def _head(parts: Parts, frame: Frame, maps: Maps) -> Detections:
    with parts.timer.stage("head"):
        return parts.detector.detect(
            maps,
            frame_height=frame.height,
            frame_width=frame.width,
            postprocess=parts.postprocess,
        )
