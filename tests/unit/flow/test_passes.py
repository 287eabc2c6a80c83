"""Several passes of one network: what is left over is found and added."""

import numpy as np
import pytest

from flow.estimator import NetworkFlow, ZeroFlow
from flow.field import FlowField
from flow.passes import RepeatedFlow, is_settled
from flow.registry import repeated
from vod.errors import ConfigError

HEIGHT, WIDTH = 32, 48


def ramp(shift):
    """Brightness grows by one grey value a pixel to the right, seen `shift` further."""
    columns = np.arange(WIDTH, dtype=np.float32) + 40 + shift
    return np.broadcast_to(columns[None, :, None], (1, HEIGHT, WIDTH, 3)).copy()


def timid(current, key):
    """Read the motion of a ramp off its brightness, and tell half of it."""
    away = float(np.mean((current - key)[:, :, 8:-8]))
    return (np.full((1, HEIGHT // 4, WIDTH // 4, 2), (away / 2, 0), np.float32),)


def test_each_pass_finds_half_of_what_is_left():
    network = NetworkFlow(timid, height=HEIGHT, width=WIDTH, as_pixels=True)
    found = [
        RepeatedFlow(network, passes)(ramp(4.0), ramp(0.0)).data[..., 0].mean()
        for passes in (1, 2, 3)
    ]
    # 4 pixels are one cell: half of it, then half of the rest.
    np.testing.assert_allclose(found, [0.5, 0.75, 0.875], atol=0.01)


@pytest.mark.parametrize(("motion", "looks"), [(0.0, 1), (0.09, 1), (0.11, 3)])
def test_where_a_pass_finds_next_to_nothing_it_is_the_last(motion, looks):
    seen = []

    def graph(current, _):
        seen.append(current)
        return (np.full((1, 2, 3, 2), 16 * motion, np.float32),)  # in pixels

    network = NetworkFlow(graph, height=HEIGHT, width=WIDTH, as_pixels=True)
    found = RepeatedFlow(network, 3)(ramp(0.0), ramp(0.0))
    assert len(seen) == looks
    np.testing.assert_allclose(found.data, looks * motion, rtol=1e-6)


def test_one_moving_cell_in_fifty_keeps_it_looking():
    data = np.zeros((10, 10, 2), np.float32)
    data[0, 0] = 5
    assert is_settled(FlowField(data))
    data[0, 1] = 5
    assert not is_settled(FlowField(data))


def test_pixels_stay_pixels_between_passes():
    seen = []

    def graph(_, key):
        seen.append(key)
        return (np.full((1, 2, 3, 2), (2, 0), np.float32),)

    network = NetworkFlow(graph, height=HEIGHT, width=WIDTH, as_pixels=True)
    flow = RepeatedFlow(network, 2)
    picture = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    frame = flow.prepare(picture)
    flow(frame, frame)
    assert seen[1].dtype == np.uint8
    # Moved by two pixels; a cell has 16.
    np.testing.assert_array_equal(seen[1][..., :-2, :], frame[..., 2:, :])


def test_one_pass_is_the_flow_itself():
    flow = ZeroFlow()
    assert repeated("zero", flow, None) is flow
    assert repeated("zero", flow, 1) is flow


def test_a_flow_that_is_no_network_looks_once():
    with pytest.raises(ConfigError, match=r"'dis-fast' looks once.*lightflow"):
        repeated("dis-fast", ZeroFlow(), 2)
