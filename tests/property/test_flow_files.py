"""Laws of the flow files: reading gives what was written."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flow.flo import known, read_flo, write_flo
from flow.kitti_png import KITTI_PER_PIXEL, read_kitti_png, write_kitti_png

SIDES = st.integers(1, 9)


@st.composite
def fields(draw, elements):
    shape = (draw(SIDES), draw(SIDES), 2)
    return draw(arrays(np.float32, shape, elements=elements))


@given(flow=fields(st.floats(allow_nan=False, width=32)))
def test_any_flow_without_nan_is_read_back_from_flo(flow):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.flo"
        write_flo(path, flow)
        read = read_flo(path)
    np.testing.assert_array_equal(read, flow)
    assert known(read).shape == flow.shape[:2]


@given(flow=fields(st.floats(-512, 511.984375, width=32)), data=st.data())
def test_kitti_rounds_to_the_nearest_64th_and_keeps_the_mask(flow, data):
    valid = data.draw(arrays(bool, flow.shape[:2]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        write_kitti_png(path, flow, valid)
        read, mask = read_kitti_png(path)
        write_kitti_png(path, read, mask)
        again, _ = read_kitti_png(path)
    np.testing.assert_array_equal(mask, valid)
    assert not read[~valid].any()
    assert np.abs(read - flow)[valid].max(initial=0) <= 0.5 / KITTI_PER_PIXEL
    np.testing.assert_array_equal(again, read)
