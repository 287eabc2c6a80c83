"""The error split against a plain loop over frames after the paper's definitions."""

import numpy as np
import pytest

from tests.scenes import random_scene
from vod.analysis.error_split import split_errors
from vod.analysis.overlaps import ERRORS
from vod.analysis.ranking import rank
from vod.evaluation.average_precision import ap_from_hits


def iou(first, second):
    width = min(first[2], second[2]) - max(first[0], second[0]) + 1
    height = min(first[3], second[3]) - max(first[1], second[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(b[2] - b[0] + 1) * (b[3] - b[1] + 1) for b in (first, second)]
    return width * height / (sum(areas) - width * height)


class Loop:
    """One dictionary a detection and an object, one frame at a time; IoU 0.5."""

    def __init__(self, truth, found):
        self.objects = [
            {"frame": f, "label": label, "box": box, "taken": None, "wanted": []}
            for f, label, box in zip(
                truth.object_frames.tolist(),
                truth.labels.tolist(),
                truth.boxes.tolist(),
                strict=True,
            )
        ]
        columns = (found.indices - 1, found.labels, found.scores, found.boxes)
        names = ("frame", "label", "score", "box")
        self.found = [
            dict(zip(names, row, strict=True), right=False, kind=None, points_at=None)
            for row in zip(*(column.tolist() for column in columns), strict=True)
        ]
        for frame in range(truth.num_frames):
            objects = [o for o in self.objects if o["frame"] == frame]
            found = [d for d in self.found if d["frame"] == frame]
            found.sort(key=lambda d: -d["score"])
            for detection in found:
                self.take(detection, objects)
            for detection in found:
                if not detection["right"]:
                    self.judge(detection, objects)

    def take(self, detection, objects):
        own = [o for o in objects if o["label"] == detection["label"]]
        free = [o for o in own if o["taken"] is None]
        best = max(free, key=lambda o: iou(detection["box"], o["box"]), default=None)
        if best is not None and iou(detection["box"], best["box"]) >= 0.5:
            best["taken"] = detection
            detection["right"] = True

    def judge(self, detection, objects):
        def best(chosen):
            pairs = [(iou(detection["box"], o["box"]), o) for o in chosen]
            return max(pairs, key=lambda pair: pair[0], default=(0.0, None))

        own = [o for o in objects if o["label"] == detection["label"]]
        own_iou, own_best = best(own)
        other_iou, other_best = best([o for o in objects if o not in own])
        if 0.1 <= own_iou < 0.5:
            detection.update(kind="localisation", points_at=own_best)
        elif other_iou >= 0.5:
            detection.update(kind="class", points_at=other_best)
        elif own_iou >= 0.5:
            detection.update(kind="duplicate")
        elif max(own_iou, other_iou) <= 0.1:
            detection.update(kind="background")
        else:
            detection.update(kind="both")
        if detection["points_at"] is not None:
            detection["points_at"]["wanted"].append(detection)

    def mean_ap(self, mend=None):
        rows = []
        for detection in self.found:
            label, right = detection["label"], detection["right"]
            if mend is not None and detection["kind"] == mend:
                target = detection["points_at"]
                if target is None or target["taken"] is not None:
                    continue
                if max(target["wanted"], key=lambda d: d["score"]) is not detection:
                    continue
                label, right = target["label"], True
            rows.append((label, detection["score"], right))
        asked = [
            o["label"]
            for o in self.objects
            if not (mend == "missed" and o["taken"] is None and not o["wanted"])
        ]
        values = []
        for label in {o["label"] for o in self.objects}:
            scores = np.array([row[1] for row in rows if row[0] == label])
            hits = np.array([row[2] for row in rows if row[0] == label], bool)
            count = asked.count(label)
            if count:
                values.append(ap_from_hits(scores, hits, count))
            elif len(scores):
                values.append(0.0)
        return float(np.mean(values))


@pytest.mark.parametrize("seed", range(12))
def test_counts_and_costs_are_those_of_a_plain_loop(seed):
    truth, found = random_scene(seed)
    loop = Loop(truth, found)
    result = split_errors(rank(truth, found, protocol="fixed50"))
    counts = {kind: sum(d["kind"] == kind for d in loop.found) for kind in ERRORS}
    counts["missed"] = sum(o["taken"] is None and not o["wanted"] for o in loop.objects)
    assert result.counts == counts
    base = loop.mean_ap()
    assert result.mean_ap == pytest.approx(base, abs=1e-12)
    for kind in (*ERRORS, "missed"):
        expected = loop.mean_ap(kind) - base
        assert result.cost[kind] == pytest.approx(expected, abs=1e-12), kind
