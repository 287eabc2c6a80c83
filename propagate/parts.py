"""Everything a frame passes through, and what comes out at the end."""

from dataclasses import dataclass, field
from typing import Literal

from detector.detector import Detector
from detector.postprocess import PostprocessConfig
from flow.estimator import FlowEstimator, Prepared
from propagate.calibration import CalibrationConfig
from propagate.keyframes import KeyframePolicy
from propagate.timing import StageTimer
from propagate.tracked import Tracked
from propagate.transport_config import TransportConfig
from propagate.warp import Border
from vod.types import ByteArray, Detections, FloatArray, Frame, IntArray

Maps = tuple[FloatArray, ...]
Travels = Literal["boxes", "maps"]
Mode = Literal["causal", "offline"]


class FlowImage:
    """A picture as the flow estimator wants it, made when a flow first needs it.

    Where nothing is followed, none does.
    """

    __slots__ = ("_made", "_resized")

    def __init__(self, resized: ByteArray) -> None:
        """Keep the detector's picture, `(H, W, 3)` uint8."""
        self._resized = resized
        self._made: Prepared | None = None

    def of(self, flow: FlowEstimator) -> Prepared:
        """Give what the estimator, the same at every call, makes of it."""
        found = self._made
        if found is None:
            found = self._made = flow.prepare(self._resized)
        return found


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
