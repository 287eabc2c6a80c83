"""The warp against figures from PyTorch, SciPy and OpenCV."""

import numpy as np
import pytest

from propagate.warp import warp

CASES = (
    "borders",
    "half_pixel",
    "huge",
    "integer_shift",
    "large_out_of_range",
    "one_row",
    "scale_map",
    "small_random",
    "zero_flow",
)
ORACLE_KEY = {"zeros": "zeros", "edge": "border"}


@pytest.mark.parametrize("border", ["zeros", "edge"])
@pytest.mark.parametrize(("dtype", "atol"), [(np.float64, 1e-9), (np.float32, 2e-5)])
@pytest.mark.parametrize("case", CASES)
def test_warp_agrees_with_the_oracle(oracle, case, border, dtype, atol):
    data = np.load(oracle / "warp" / f"{case}.npz")
    flow = data["flow"].astype(dtype)
    ours = warp(data["feat"].astype(dtype), flow, border=border)
    np.testing.assert_allclose(ours, data[ORACLE_KEY[border]], atol=atol, rtol=0)


def test_every_case_of_the_oracle_is_tested(oracle):
    stems = {path.stem for path in (oracle / "warp").glob("*.npz")}
    assert stems == set(CASES)
