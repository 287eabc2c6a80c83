"""The evaluation command on pairs whose flow is known by construction."""

import json

import cv2
import numpy as np
import pytest

from flow.estimator import ZeroFlow
from flow.evaluate import FlowChoice, enlarge, main
from flow.field import FlowField
from flow.flo import write_flo
from vod.errors import ConfigError


@pytest.fixture
def pairs(tmp_path):
    """Two pairs: content moved by (3, 2) pixels and by (0, 4)."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (20, 24, 3)).astype(np.float32)
    world = np.clip(
        cv2.resize(coarse, (200, 160), interpolation=cv2.INTER_CUBIC), 0, 255
    )
    for name, (u, v) in (("a", (3, 2)), ("b", (0, 4))):
        current = world[20:116, 20:148]
        key = world[20 - v : 116 - v, 20 - u : 148 - u]
        cv2.imwrite(str(tmp_path / f"{name}-img0.png"), current)
        cv2.imwrite(str(tmp_path / f"{name}-img1.png"), key)
        flow = np.broadcast_to(np.float32((u, v)), (96, 128, 2))
        write_flo(tmp_path / f"{name}-gt.flo", flow)
    return tmp_path


def test_zero_flow_scores_the_mean_length_of_the_truth(pairs, tmp_path, capsys):
    path = tmp_path / "report.json"
    assert main(["--data", str(pairs), "--flow", "zero", "--report", str(path)]) == 0
    values = json.loads(path.read_text())
    assert values["epe"] == pytest.approx((13**0.5 + 4) / 2)
    assert values["fl_all"] == 100.0
    assert [pair["name"] for pair in values["pairs"]] == ["a", "b"]
    assert values["pairs"][1]["epe"] == pytest.approx(4.0)
    assert values["ms_median"] >= 0
    assert "EPE 3.803 px" in capsys.readouterr().out


@pytest.mark.parametrize("scale", ["1.0", "0.5"])
def test_a_flow_is_measured_in_full_size_pixels_at_any_scale(pairs, tmp_path, scale):
    path = tmp_path / "report.json"
    arguments = ["--data", str(pairs), "--flow", "dis", "--scale", scale]
    assert main([*arguments, "--report", str(path)]) == 0
    # Exact but at the borders, where content has left the picture.
    assert json.loads(path.read_text())["epe"] < 0.7


def test_enlarging_scales_values_and_interpolates():
    field = FlowField(np.array([[[0, 1], [1, 1]]], np.float32))
    full = enlarge(field, 2, 4)
    np.testing.assert_allclose(full[0, :, 0], [0, 0.5, 1.5, 2])
    np.testing.assert_allclose(full[..., 1], 2)
    zero = ZeroFlow()
    assert not enlarge(zero(np.zeros(0), np.zeros(0)), 3, 5).any()


def test_what_is_wrong_is_told_in_one_line(tmp_path, pairs, caplog):
    assert main(["--data", str(tmp_path / "none"), "--flow", "zero"]) == 1
    assert "does not exist" in caplog.text
    assert main(["--data", str(pairs), "--flow", "dos"]) == 1
    assert "unknown flow 'dos'. Did you mean 'dis'" in caplog.text
    report = tmp_path / "no" / "r.json"
    assert main(["--data", str(pairs), "--flow", "zero", "--report", str(report)]) == 1
    assert f"cannot write {report}" in caplog.text


def test_impossible_scales_are_refused():
    with pytest.raises(ConfigError, match=r"--scale must lie in \(0, 4\], received 0"):
        FlowChoice("zero", scale=0)
