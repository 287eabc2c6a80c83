"""Boxes carried along flows whose answer is known."""

import numpy as np
import pytest

from flow.field import FlowField
from propagate.box_motion import LEAST_RESIDUAL, sample_offsets
from propagate.transport import OFF, transport_both, transport_boxes
from propagate.transport_config import TransportConfig
from vod.errors import ShapeError

GRID = 40  # cells of the flow; a frame of 80 x 160 pixels has cells of 2 x 4
FRAME = (80, 160)

EXACT = TransportConfig(stiffness=0)


def boxes(*rows):
    return np.array(rows, np.float32)


def uniform(u, v):
    return FlowField(np.full((GRID, GRID, 2), [u, v], np.float32))


def affine(centre, shift, scale):
    """Flow that takes `centre` (cells) by `shift` and shrinks around it going back."""
    y, x = np.mgrid[:GRID, :GRID] + 0.5
    data = np.stack(
        [
            shift[0] + scale[0] * (x - centre[0]),
            shift[1] + scale[1] * (y - centre[1]),
        ],
        -1,
    )
    return FlowField(data.astype(np.float32))


def carry(rows, flow, **options):
    options = {"frame_size": FRAME, "config": TransportConfig(), **options}
    return transport_boxes(boxes(*rows), flow, **options)


def test_zero_flow_leaves_boxes_as_they_are():
    there = carry([(20, 10, 60, 50), (0, 0, 160, 80)], uniform(0, 0))
    np.testing.assert_allclose(there.boxes, [[20, 10, 60, 50], [0, 0, 160, 80]])
    assert there.shift.tolist() == [0, 0]
    assert there.agreement.tolist() == [1, 1]


def test_a_box_moves_against_backward_flow_in_pixels_of_the_frame():
    # What is here now was 1 cell (4 pixels) to the right and 2 cells (4 pixels) up.
    there = carry([(20, 10, 60, 50)], uniform(1, -2))
    np.testing.assert_allclose(there.boxes, [[16, 14, 56, 54]], atol=1e-4)
    np.testing.assert_allclose(there.shift, [np.hypot(4, 4)], rtol=1e-5)


def test_going_back_a_box_moves_along_backward_flow():
    there = carry([(16, 14, 56, 54)], uniform(1, -2), direction="backward")
    np.testing.assert_allclose(there.boxes, [[20, 10, 60, 50]], atol=1e-4)


def test_a_box_grows_by_what_it_was_smaller():
    # Centre (20, 20) cells stays. Going back, 1 cell across becomes 1 - 0.2 and 1
    # along 1 + 0.25: so from then to now it grows by 1 / 0.8 and shrinks by 1 / 1.25.
    flow = affine((20, 20), (0, 0), (-0.2, 0.25))
    there = carry([(60, 30, 100, 50)], flow, config=EXACT)
    np.testing.assert_allclose(there.boxes, [[55, 32, 105, 48]], atol=1e-3)
    assert there.agreement[0] == pytest.approx(1, abs=1e-4)
    back = carry([(55, 32, 105, 48)], flow, config=EXACT, direction="backward")
    np.testing.assert_allclose(back.boxes, [[60, 30, 100, 50]], atol=1e-3)


def test_without_scale_a_box_keeps_its_size():
    flow = affine((20, 20), (0, 0), (-0.2, 0.2))
    config = TransportConfig(scale=False)
    there = carry([(60, 30, 100, 50)], flow, config=config)
    sides = there.boxes[:, 2:] - there.boxes[:, :2]
    np.testing.assert_allclose(sides, [[40, 20]], atol=1e-4)


def test_no_step_changes_a_side_by_more_than_a_quarter():
    flow = affine((20, 20), (0, 0), (2, -0.9))
    there = carry([(60, 30, 100, 50)], flow, config=EXACT, direction="backward")
    sides = there.boxes[:, 2:] - there.boxes[:, :2]
    np.testing.assert_allclose(sides, [[50, 15]], atol=1e-3)


def test_stiffness_reads_less_size_into_the_same_flow():
    # 2 x 2 samples at -1/4 and 1/4 of the core's side w: variance w^2 / 16. A prior of
    # (w / 4)^2 is as much again, so that half of the slope is left. Samples that lie
    # alike have residuals alike, and so weights alike.
    config = TransportConfig(samples=2, core=1.0, stiffness=0.25, least_side=0)
    flow = affine((20, 20), (0, 0), (-0.2, -0.2))
    there = carry([(60, 30, 100, 50)], flow, config=config, direction="backward")
    sides = there.boxes[:, 2:] - there.boxes[:, :2]
    np.testing.assert_allclose(sides, [[36, 18]], atol=1e-3)


def test_what_shows_through_at_the_rim_hardly_counts():
    # 4 x 4 samples; the background's strip takes in the leftmost 4 of these 16.
    flow = uniform(0, 0)
    flow.data[:, :17] = [10, 0]
    config = TransportConfig(samples=4, core=1.0, scale=False)
    there = carry([(60, 30, 100, 50)], flow, config=config, direction="backward")
    np.testing.assert_allclose(there.boxes, [[60, 30, 100, 50]], atol=0.05)
    assert there.agreement[0] == pytest.approx(0.75, abs=0.01)


def test_a_box_smaller_than_a_cell_takes_its_motion_from_around():
    there = carry([(80, 40, 80.5, 40.5)], uniform(1, 1))
    np.testing.assert_allclose(there.boxes, [[76, 38, 76.5, 38.5]], atol=1e-3)


def test_flow_beyond_the_border_is_the_borders():
    there = carry([(-60, -40, -20, -10), (200, 90, 240, 120)], uniform(2, 3))
    expected = [[-68, -46, -28, -16], [192, 84, 232, 114]]
    np.testing.assert_allclose(there.boxes, expected, atol=1e-3)


def test_one_cell_of_flow_covers_the_frame():
    flow = FlowField(np.array([[[0.1, 0.0]]], np.float32))  # a tenth of the frame
    there = carry([(60, 30, 100, 50)], flow)
    np.testing.assert_allclose(there.boxes, [[44, 30, 84, 50]], atol=1e-3)


def test_boxes_do_not_touch_each_other():
    flow = affine((10, 10), (1, 0.5), (0.05, -0.1))
    rows = [(20, 10, 60, 50), (60, 30, 100, 50), (1, 1, 9, 9)]
    together = carry(rows, flow)
    alone = [carry([row], flow) for row in rows]
    for name in ("boxes", "shift", "agreement"):
        np.testing.assert_allclose(
            getattr(together, name),
            np.concatenate([getattr(one, name) for one in alone]),
            rtol=1e-6,
        )


def test_no_boxes_give_no_boxes():
    there = transport_boxes(
        np.zeros((0, 4), np.float32),
        uniform(1, 1),
        frame_size=FRAME,
        config=TransportConfig(),
    )
    assert there.boxes.shape == (0, 4)
    assert there.shift.shape == there.agreement.shape == (0,)


def test_results_are_single_precision():
    there = carry([(20, 10, 60, 50)], uniform(1, 1))
    kinds = {a.dtype for a in (there.boxes, there.shift, there.agreement)}
    assert kinds == {np.dtype(np.float32)}


@pytest.mark.parametrize("shape", [(4,), (2, 3), (1, 2, 4)])
def test_what_are_no_boxes_is_refused(shape):
    with pytest.raises(ShapeError, match=r"boxes must be \(N, 4\), received"):
        transport_boxes(
            np.zeros(shape, np.float32),
            uniform(0, 0),
            frame_size=FRAME,
            config=TransportConfig(),
        )


@pytest.mark.parametrize(("ahead", "back"), [(3, 2), (0, 2), (3, 0), (0, 0)])
def test_both_directions_at_once_are_each_alone(ahead, back):
    random = np.random.default_rng(ahead + back)
    flows = [
        FlowField(random.normal(0, 1, (GRID, GRID, 2)).astype(np.float32))
        for _ in range(2)
    ]
    corners = random.uniform(0, 80, (5, 2))
    some = np.concatenate([corners, corners + random.uniform(5, 60, (5, 2))], 1)
    some = some.astype(np.float32)
    options = {"frame_size": FRAME, "config": TransportConfig()}
    there = transport_both(some[:ahead], some[:back], *flows, **options)
    alone = (
        transport_boxes(some[:ahead], flows[0], **options),
        transport_boxes(some[:back], flows[1], **options, direction="backward"),
    )
    for together, one in zip(there, alone, strict=True):
        for name in ("boxes", "shift", "agreement"):
            found = getattr(together, name)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, getattr(one, name), rtol=1e-6, atol=1e-5)


def test_flows_on_two_grids_are_refused():
    none = np.zeros((0, 4), np.float32)
    coarse = FlowField(np.zeros((3, 4, 2), np.float32))
    with pytest.raises(ShapeError, match="both flows must be on one grid, received"):
        transport_both(
            none,
            none,
            uniform(0, 0),
            coarse,
            frame_size=FRAME,
            config=TransportConfig(),
        )


def plain_look_up(grid, x, y):
    """Bilinear at one place, double precision; edges extend."""
    height, width = grid.shape[:2]
    x, y = np.clip(x - 0.5, 0, width - 1), np.clip(y - 0.5, 0, height - 1)
    left, top = min(int(x), max(width - 2, 0)), min(int(y), max(height - 2, 0))
    right, down = min(left + 1, width - 1), min(top + 1, height - 1)
    a, b = x - left, y - top
    upper = (1 - a) * grid[top, left] + a * grid[top, right]
    lower = (1 - a) * grid[down, left] + a * grid[down, right]
    return (1 - b) * upper + b * lower


def plain_transport(box, grid, unit, config, direction):
    """The module's docstring, point by point: one box, in double precision."""
    centre = (box[:2] + box[2:]) / 2 / unit
    sides = (box[2:] - box[:2]) / unit
    shift, scale = np.zeros(2), np.zeros(2)
    offsets = sample_offsets(config.samples).astype(float)
    for iteration in range(config.iterations):
        if direction == "forward" or iteration == 0:
            span = np.maximum(sides / (1 + scale) * config.core, config.least_side)
            away = offsets * span
            places = centre - shift + away
            vectors = np.array([plain_look_up(grid, x, y) for x, y in places])
        residual = np.abs(vectors - shift - scale * away)
        typical = max(np.median(residual.sum(1)), LEAST_RESIDUAL)
        weight = 1 / (1 + (residual.sum(1) / (config.resistance * typical)) ** 2)
        weight = (weight / weight.sum())[:, None]
        mean_away, mean_vector = (weight * away).sum(0), (weight * vectors).sum(0)
        spread = away - mean_away
        prior = (config.stiffness * np.maximum(sides, config.least_side)) ** 2
        slope = (weight * spread * (vectors - mean_vector)).sum(0)
        scale = np.clip(slope / ((weight * spread**2).sum(0) + prior), -0.25, 0.25)
        shift = mean_vector - scale * mean_away
    forward = direction == "forward"
    centre = centre - shift if forward else centre + shift
    sides = sides / (1 + scale) if forward else sides * (1 + scale)
    off = np.minimum((residual / np.maximum(sides, config.least_side)).max(1) / OFF, 1)
    there = np.concatenate([centre - sides / 2, centre + sides / 2]) * np.tile(unit, 2)
    return there, np.linalg.norm(shift * unit), 1 - off.mean()


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("samples", [3, 8])
def test_boxes_go_where_the_plain_loop_takes_them(direction, samples):
    random = np.random.default_rng(samples)
    coarse = random.normal(0, 2, (6, 6, 2)).astype(np.float32)
    grid = FlowField(coarse).resized(30, 50).data
    config = TransportConfig(samples=samples)
    unit = np.array([160 / 50, 80 / 30])
    corners = random.uniform(-20, 100, (6, 2))
    rows = np.concatenate([corners, corners + random.uniform(1, 60, (6, 2))], 1)
    there = carry(rows, FlowField(grid), config=config, direction=direction)
    for i, box in enumerate(rows.astype(np.float32).astype(float)):
        expected = plain_transport(box, grid, unit, config, direction)
        np.testing.assert_allclose(there.boxes[i], expected[0], atol=2e-3)
        assert there.shift[i] == pytest.approx(expected[1], abs=2e-3)
        assert there.agreement[i] == pytest.approx(expected[2], abs=1e-4)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_coarse_grid_of_fine_grain_is_the_fine_grid(direction):
    # A flow that is linear in x and y is the same on both grids, away from the rim.
    y, x = np.mgrid[:20, :20] + 0.5
    coarse = np.stack([0.5 + 0.02 * (x - 10), -0.2 + 0.03 * (y - 10)], -1)
    coarse = FlowField(coarse.astype(np.float32), grain=0.5)
    fine = FlowField(coarse.resized(40, 40).data)
    rows = [(60, 30, 100, 50), (81, 40, 82, 41)]  # the second is below the least side
    there, expected = (carry(rows, f, direction=direction) for f in (coarse, fine))
    for name in ("boxes", "shift", "agreement"):
        np.testing.assert_allclose(
            getattr(there, name), getattr(expected, name), rtol=1e-4, atol=1e-3
        )


def test_flows_of_two_grains_are_refused():
    none = np.zeros((0, 4), np.float32)
    fine = FlowField(uniform(0, 0).data, grain=0.5)
    with pytest.raises(ShapeError, match=r"grain 1 and 0\.5"):
        transport_both(
            none,
            none,
            uniform(0, 0),
            fine,
            frame_size=FRAME,
            config=TransportConfig(),
        )
