"""Where the flow inside a box is looked up; `test_transport` tells what comes of it."""

from propagate.box_motion import sample_offsets


def test_samples_lie_evenly_around_the_centre():
    assert sample_offsets(2).tolist() == [
        [-0.25, -0.25],
        [0.25, -0.25],
        [-0.25, 0.25],
        [0.25, 0.25],
    ]
