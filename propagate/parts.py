"""Everything a frame passes through, and what comes out at the end."""

from dataclasses import dataclass, field
from typing import Literal

from detector.detector import Detector
from detector.postprocess import PostprocessConfig
from flow.estimator import FlowEstimator
from propagate.calibration import CalibrationConfig
from propagate.keyframes import KeyframePolicy
from propagate.paper_detector import PaperDetector
from propagate.refine.refiner import BoxRefiner
from propagate.timing import StageTimer
from propagate.tracked import Tracked
from propagate.transport_config import TransportConfig
from propagate.warp import Border
from vod.types import Detections, FloatArray, Frame, IntArray

Maps = tuple[FloatArray, ...]
Travels = Literal["boxes", "maps"]
Mode = Literal["causal", "offline"]


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
        refiner: corrects carried boxes with a look at the frame; None leaves them.
        flow_stride: in mode offline, frames that a flow may span where little moves.
        calibration: of the scores of boxes carried in mode causal; None leaves them.
        border: what the warp of maps finds outside them.
        paper: the paper's system, whose head is `detector`; it is run as
            `propagate.paper_pipeline` says. None for all other detectors.
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
    refiner: BoxRefiner | None = None
    flow_stride: int = 1
    calibration: CalibrationConfig | None = None
    border: Border = "edge"
    paper: PaperDetector | None = None
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
