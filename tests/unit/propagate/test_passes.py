"""Passes in training are the passes at inference."""

import numpy as np
import pytest
from keras import ops

from flow.estimator import NetworkFlow
from flow.lightflow import LightFlowConfig, build_lightflow
from flow.passes import RepeatedFlow
from propagate.joint.model import JointModel
from propagate.joint.passes import flows_of_passes
from propagate.transport_config import TransportConfig

SIDE = 64


def test_training_and_inference_give_one_flow():
    network = build_lightflow(LightFlowConfig(width=0.25), SIDE, SIDE, folded=True)
    rng = np.random.default_rng(3)
    for weights in network.weights:
        weights.assign(rng.normal(0, 0.2, weights.shape))
    current, earlier = rng.uniform(-1, 1, (2, 1, SIDE, SIDE, 3)).astype(np.float32)
    flows = flows_of_passes(
        network, *map(ops.convert_to_tensor, (current, earlier)), passes=3
    )
    assert len(flows) == 3
    assert np.abs(np.asarray(flows[0])).max() > 1  # pixels: something moves

    def graph(one, other):
        return (np.asarray(network([one, other])),)

    for passes, expected in enumerate(flows, 1):
        once = NetworkFlow(graph, height=SIDE, width=SIDE, as_pixels=True)
        flow = RepeatedFlow(once, passes)
        found = flow(current, earlier).in_pixels(image_height=SIDE, image_width=SIDE)
        # OpenCV rounds places to 1/32 of a pixel.
        np.testing.assert_allclose(found, np.asarray(expected)[0], atol=0.03)


def test_every_pass_is_taught():
    network = build_lightflow(LightFlowConfig(width=0.05), SIDE, SIDE, folded=True)
    model = JointModel(network, TransportConfig(), box_weight=0.0, passes=2)
    cells = SIDE // 4
    targets = {
        "flow": np.ones((1, cells, cells, 2), np.float32),
        "trust": np.ones((1, cells, cells), np.float32),
        "boxes": np.zeros((1, 1, 8), np.float32),
        "box_weight": np.zeros((1, 1), np.float32),
    }
    right, still = targets["flow"], 0 * targets["flow"]
    losses = [
        float(model.compute_loss(None, targets, flows))
        for flows in ([right, right], [still, right], [right, still], [still, still])
    ]
    assert losses[1] == losses[2] == pytest.approx((losses[0] + losses[3]) / 2)
