import shutil

import cv2
import numpy as np
import pytest

from flow.estimator import shrink
from flow.export_int8 import calibration_inputs, flow_preprocessing, main
from flow.registry import load_flow
from vod.calibration_pictures import Neighbours
from vod.errors import VideoError, WeightsError
from vod.weights import read_record


def test_a_clip_calibrates_a_graph_that_takes_pixels(narrow_weights, tmp_path, capsys):
    weights = shutil.copytree(narrow_weights, tmp_path / "weights")
    (tmp_path / "clip").mkdir()
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    picture = cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_LINEAR)
    for index in range(6):
        moved = np.roll(picture, index, axis=1)
        cv2.imwrite(str(tmp_path / "clip" / f"{index}.png"), moved)
    size = {"input_height": 32, "input_width": 32}
    with pytest.raises(WeightsError, match=r"flow\.export_int8 .* --size 32x32"):
        load_flow("lightflow", weights=weights, precision="int8", **size)
    clip = str(tmp_path / "clip")
    assert main([str(weights), "--size", "32x32", "--calibrate", clip]) == 0
    assert "flow_32x32_int8.tflite: calibrated on 6 pairs" in capsys.readouterr().out
    assert "flow_32x32_int8" in read_record(weights).graphs
    int8 = load_flow("lightflow", weights=weights, precision="int8", **size)
    keras = load_flow("lightflow", weights=weights, engine="tensorflow", **size)
    small = [shrink(np.roll(picture, n, axis=1), 32, 32) for n in (1, 0)]
    assert int8.prepare(small[0]).dtype == np.uint8
    flows = [
        flow(flow.prepare(small[0]), flow.prepare(small[1])).data
        for flow in (int8, keras)
    ]
    difference = np.sqrt(np.mean((flows[0] - flows[1]) ** 2))
    assert difference < 0.25 * np.std(flows[1])


def test_unrelated_pictures_calibrate_no_flow():
    alone = [Neighbours(np.zeros((8, 8, 3), np.uint8), None)]
    with pytest.raises(VideoError, match="the pictures given are unrelated"):
        calibration_inputs(alone, flow_preprocessing(8, 8))
