"""The measuring command, on a square that the detector is told of."""

import cv2
import numpy as np
import pytest

import propagate.refine.measure
from propagate.refine.measure import RefinedAgreement, main
from propagate.train_data import Clip
from propagate.transport_config import TransportConfig
from tests.builders import make_detections

SIDE = 96


def clip(count=14, speed=2):
    rng = np.random.default_rng(0)
    ground = cv2.blur(rng.integers(0, 120, (SIDE, SIDE, 3), np.uint8), (3, 3))
    square = cv2.blur(rng.integers(100, 255, (32, 32, 3), np.uint8), (3, 3))
    pictures, found = [], []
    for index in range(count):
        picture, left = ground.copy(), 8 + speed * index
        picture[30:62, left : left + 32] = square
        pictures.append(picture)
        found.append(make_detections(((left, 30, left + 32, 62), 0.9, 3)))
    return Clip("square", np.stack(pictures), found)


def test_boxes_that_the_flow_follows_hit_and_unmeasured_ages_are_zero():
    measure = RefinedAgreement([clip()], TransportConfig(), every=5)
    figures = measure(None)
    assert figures["refined_5"] == figures["refined_10"] == 1.0
    assert figures["refined_20"] == 0.0


def test_the_shipped_refiner_does_not_lose_a_square():
    measure = RefinedAgreement([clip()], TransportConfig(), every=5)
    refiner = propagate.refine.measure.load_box_refiner()
    assert measure(refiner)["refined_10"] == 1.0


def test_the_command_tells_each_way(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(propagate.refine.measure, "read_clips", lambda *_: [clip()])
    assert main(["--videos", str(tmp_path), "--every", "2,5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" after")[0].strip() for line in lines] == [
        "as carried",
        "corrected every 2",
        "corrected every 5",
    ]


@pytest.mark.parametrize("word", ["--weights", "--videos"])
def test_what_is_not_there_is_told_in_one_line(word, tmp_path, caplog):
    words = {"--videos": str(tmp_path / "no"), "--weights": None}
    words[word] = str(tmp_path / "none")
    given = [part for key, value in words.items() if value for part in (key, value)]
    assert main(given) == 1
    assert "none" in caplog.text or "no" in caplog.text
