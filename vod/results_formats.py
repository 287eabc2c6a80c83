"""The formats of result files, as text; see `vod.results` for what each one holds."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from vod.coco_classes import coco_category_ids
from vod.errors import ConfigError
from vod.imagenet_vid import format_submission_line, relabelled, vid_labels
from vod.provenance import Provenance
from vod.results_reading import ResultLine
from vod.types import Detections

_BOX_DECIMALS: Final = 2  # of a pixel
_SCORE_DECIMALS: Final = 4
_COCO_SCORE_DECIMALS: Final = 6  # rounding to 4 would make ties, which move AP


class Encoder(Protocol):
    """Turn frames into text, with what stands before and after them."""

    def opening(self) -> str:
        """Give what stands before the first frame."""
        ...

    def frame(self, line: ResultLine) -> str:
        """Give the text of one frame."""
        ...

    def closing(self) -> str:
        """Give what stands after the last frame."""
        ...


class JsonLines:
    """One JSON object a frame, after a header."""

    def __init__(self, header: Mapping[str, Any], names: Sequence[str]) -> None:
        self._header, self._names = header, names

    def opening(self) -> str:
        """Give the header line."""
        return _dump(self._header) + "\n"

    def frame(self, line: ResultLine) -> str:
        """Give the line of one frame."""
        found: list[dict[str, Any]] = [
            {
                "box": [round(side, _BOX_DECIMALS) for side in box],
                "score": round(score, _SCORE_DECIMALS),
                "label": self._names[label],
            }
            for box, score, label in _rows(line.detections)
        ]
        if line.provenance is not None:
            for item, told in zip(found, _told(line.provenance), strict=True):
                item.update(told)
        if line.track_ids is not None:
            for item, number in zip(found, line.track_ids.tolist(), strict=True):
                item["track"] = number if number >= 0 else None
        facts = {
            "frame": line.frame,
            "time_s": line.time_s,
            "key_frame": bool(line.key_frame),
            "detections": found,
        }
        return _dump(facts) + "\n"

    def closing(self) -> str:
        """Give nothing: every line stands for itself."""
        return ""


def _told(provenance: Provenance) -> list[dict[str, Any]]:
    """Give what a JSON line tells about each detection's origin."""
    columns = zip(
        provenance.key_frames.tolist(),
        provenance.ages.tolist(),
        provenance.displacements.tolist(),
        provenance.confidences.tolist(),
        strict=True,
    )
    return [
        {
            "key_frame": key_frame,
            "age": age,
            "displacement": round(displacement, _BOX_DECIMALS),
            "confidence": round(confidence, _SCORE_DECIMALS),
        }
        for key_frame, age, displacement, confidence in columns
    ]


class CocoResults:
    """One JSON array of all detections."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._categories = coco_category_ids(names)
        self._is_first = True

    def opening(self) -> str:
        """Open the array."""
        return "["

    def frame(self, line: ResultLine) -> str:
        """Give one frame's detections; COCO has no place for time and origin."""
        lines = []
        for (x1, y1, x2, y2), score, label in _rows(line.detections):
            found = {
                "image_id": line.frame + 1,
                "category_id": self._categories[label],
                "bbox": [
                    round(side, _BOX_DECIMALS) for side in (x1, y1, x2 - x1, y2 - y1)
                ],
                "score": round(score, _COCO_SCORE_DECIMALS),
            }
            lines.append(("\n" if self._is_first else ",\n") + _dump(found))
            self._is_first = False
        return "".join(lines)

    def closing(self) -> str:
        """Close the array."""
        return "\n]\n"


class VidLines:
    """One line a detection, as ImageNet VID's development kit reads them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._labels = vid_labels(names)
        if not len(names) or int(self._labels.max()) < 0:
            raise ConfigError(
                "ImageNet VID lines need a class of ImageNet VID (such as car or dog); "
                "the detector has none of the 30."
            )

    def opening(self) -> str:
        """Give nothing: there is no header."""
        return ""

    def frame(self, line: ResultLine) -> str:
        """Give one frame's lines; the format has no place for time and origin."""
        return "".join(
            format_submission_line(line.frame + 1, label, score=score, box=box) + "\n"
            for box, score, label in _rows(relabelled(line.detections, self._labels))
        )

    def closing(self) -> str:
        """Give nothing: every line stands for itself."""
        return ""


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _rows(detections: Detections) -> list[tuple[list[float], float, int]]:
    """Give box, score and label of each detection as plain Python values."""
    boxes, scores = detections.boxes.tolist(), detections.scores.tolist()
    return list(zip(boxes, scores, detections.labels.tolist(), strict=True))
