"""EPE and Fl-all against the figures of independent code (see the oracle's README)."""

import json
from pathlib import Path

import numpy as np
import pytest

from flow.evaluation.metrics import FlowScore, pool, score_flow
from flow.flo import read_flo
from flow.kitti_png import read_kitti_png

# The oracle computes in float64 from the same float32 files, as we do; only the order
# of summation may differ.
TOLERANCE = 1e-9

CONSTANT = (2.5, -1.5)


@pytest.fixture(scope="module")
def flow_oracle(oracle: Path) -> Path:
    return oracle / "flow"


@pytest.fixture(scope="module")
def expected(flow_oracle: Path) -> dict:
    return json.loads((flow_oracle / "expected.json").read_text())


def read_any(path: Path):
    return read_kitti_png(path) if path.suffix == ".png" else (read_flo(path), None)


def score_case(folder: Path, case: dict) -> FlowScore:
    truth, valid = read_any(folder / case["gt"])
    match case["pred"]:
        case "zero flow":
            flow = np.zeros_like(truth)
        case "the ground truth":
            flow = truth
        case "minus the ground truth":
            flow = -truth
        case "ground truth with u and v exchanged":
            flow = truth[..., ::-1]
        case text if text.startswith("constant"):
            flow = np.broadcast_to(np.float32(CONSTANT), truth.shape)
        case name:
            flow, _ = read_any(folder / name)
    return score_flow(flow, truth, valid)


def test_every_case_of_the_oracle_agrees(flow_oracle, expected):
    cases = {name: case for name, case in expected.items() if "gt" in case}
    assert len(cases) == 25
    for name, case in cases.items():
        score = score_case(flow_oracle, case)
        assert score.pixels == case["valid"], name
        assert score.outliers == case["outliers"], name
        assert score.epe == pytest.approx(case["EPE"], rel=TOLERANCE), name
        fl_all = case["Fl_all_percent"]
        assert score.fl_all == pytest.approx(fl_all, rel=TOLERANCE), name


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("pooled_zero_gt0_gt1", ["gt0_zero", "gt1_zero"]),
        ("pooled_unequal", ["gt0_crop_unknown_noise2.5", "gt0_zero"]),
    ],
)
def test_pooling_over_pictures_agrees(flow_oracle, expected, name, images):
    pooled = pool([score_case(flow_oracle, expected[image]) for image in images])
    ours = {
        "EPE_mean_of_images": pooled.epe,
        "EPE_over_all_pixels": pooled.epe_pixels,
        "Fl_all_percent_over_all_pixels": pooled.fl_all,
        "Fl_all_percent_mean_of_images": pooled.fl_all_pictures,
    }
    case = {key: value for key, value in expected[name].items() if key != "images"}
    assert case == pytest.approx({key: ours[key] for key in case}, rel=TOLERANCE)


def test_bands_of_displacement_add_up_to_the_whole(flow_oracle, expected):
    for name, case in expected.items():
        if "gt" in case:
            score = score_case(flow_oracle, case)
            assert sum(band.pixels for band in score.bands) == case["valid"], name
            total = sum(band.error_sum for band in score.bands)
            assert total == pytest.approx(score.error_sum, rel=TOLERANCE), name
