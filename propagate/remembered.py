"""Run each network once a picture, however many ways of propagation are compared.

A network is a function of its pictures, so what it said of one holds in every mode and
at every interval. Answers are kept under a digest of the very arrays that went in, so
nothing but the time changes. Not for measuring time.
"""

import hashlib
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from detector.detector import Detector
from detector.postprocess import PostprocessConfig
from flow.estimator import FlowEstimator, Prepared
from flow.field import FlowField
from vod.types import ByteArray, Detections, FloatArray


def digest(*arrays: npt.NDArray[Any]) -> bytes:
    """Give 16 bytes that tell arrays of one shape and type apart by content."""
    state = hashlib.blake2b(digest_size=16)
    for array in arrays:
        state.update(np.ascontiguousarray(array).data)
    return state.digest()


@dataclass(frozen=True, eq=False, slots=True)
class RememberingDetector(Detector):
    """A detector that looks at a picture once.

    `features` passes the picture itself on, and `detect` runs both halves if it is new.
    So it stands in for `inner` where nothing comes between the halves: where boxes
    travel, not maps.

    Attributes:
        inner: the detector.
        found: what is known, by picture, size of the frame and settings.
    """

    inner: Detector
    found: dict[tuple[Any, ...], Detections] = field(default_factory=dict)

    @classmethod
    def of(cls, detector: Detector) -> Self:
        """Begin without any memory."""
        values = {item.name: getattr(detector, item.name) for item in fields(Detector)}
        return cls(**values | {"features": _passed_on}, inner=detector)

    def detect(
        self,
        maps: Any,
        *,
        frame_height: int,
        frame_width: int,
        postprocess: PostprocessConfig,
    ) -> Detections:
        """See `Detector.detect`; `maps` holds the picture."""
        (picture,) = maps
        key = (digest(picture), frame_height, frame_width, postprocess)
        if key not in self.found:
            self.found[key] = self.inner.detect(
                self.inner.features(picture),
                frame_height=frame_height,
                frame_width=frame_width,
                postprocess=postprocess,
            )
        return self.found[key]


def _passed_on(picture: FloatArray) -> tuple[FloatArray, ...]:
    return (picture,)


class RememberingFlow:
    """A flow estimator that compares the same two pictures once."""

    def __init__(self, inner: FlowEstimator) -> None:
        self._inner = inner
        self._known: dict[bytes, FlowField] = {}

    @property
    def takes_grey(self) -> bool:
        """See `FlowEstimator`."""
        return self._inner.takes_grey

    def prepare(self, resized: ByteArray) -> Prepared:
        """See `FlowEstimator`."""
        return self._inner.prepare(resized)

    def __call__(self, current: Prepared, key: Prepared) -> FlowField:
        """See `FlowEstimator`."""
        name = digest(current, key)
        if name not in self._known:
            self._known[name] = self._inner(current, key)
        return self._known[name]
