"""What TensorBoard is told: read back from the event files."""

from importlib.util import find_spec

import cv2
import keras
import numpy as np
import pytest

from flow.draw import draw_flow
from flow.lightflow import LightFlowConfig, build_lightflow
from flow.train.board import draw_pairs
from vod.fitting.board import Board, EventFile
from vod.fitting.optimizer import averaging_adamw

pytestmark = pytest.mark.skipif(
    find_spec("tensorboard") is None, reason="tensorboard is not installed"
)


def read_events(folder):
    """Give (step, tag, value) of all events; pictures decoded to RGB."""
    from tensorboard.backend.event_processing import event_file_loader as loader

    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for event in loader.LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.HasField("image"):
                    png = np.frombuffer(value.image.encoded_image_string, np.uint8)
                    rgb = cv2.imdecode(png, cv2.IMREAD_COLOR)[..., ::-1]
                    found.append((event.step, value.tag, rgb))
                else:
                    found.append((event.step, value.tag, value.simple_value))
    return found


def test_scalars_and_pictures_are_read_back(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8)
    events = EventFile(tmp_path)
    events.scalars(3, {"loss": 0.5, "rate": 0.25})
    events.picture(4, "pair", rgb)
    events.close()
    first, second, third = read_events(tmp_path)
    assert (first, second) == ((3, "loss", 0.5), (3, "rate", 0.25))
    assert third[:2] == (4, "pair")
    np.testing.assert_array_equal(third[2], rgb)


def test_steps_epochs_and_pictures_are_told(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign([[1.0]])
    optimizer = averaging_adamw(
        model.trainable_variables,
        rate=0.125,
        weight_decay=0.0,
        clip_norm=0.1,
        average=0.5,
    )
    model.compile(optimizer, loss="mse", jit_compile=False)
    x, y = np.ones((4, 1), np.float32), np.zeros((4, 1), np.float32)
    picture = np.zeros((2, 2, 3), np.uint8)
    with Board(tmp_path, lambda _model: {"pair": picture}, every=2) as board:
        model.fit(x, y, batch_size=1, shuffle=False, verbose=0, callbacks=[board])
    told = read_events(tmp_path)
    by_step = {(step, tag): value for step, tag, value in told}
    assert by_step[2, "step/learning_rate"] == 0.125
    assert by_step[4, "step/learning_rate"] == 0.125
    # Loss w^2 has the slope 2 w; before the second step AdamW has gone 1 rate down.
    assert by_step[2, "step/gradient_norm"] == pytest.approx(1.75, rel=1e-3)
    assert by_step[2, "step/loss"] == pytest.approx((1 + 0.875**2) / 2, rel=1e-3)
    assert by_step[4, "epoch/loss"] > 0
    assert (4, "pair") in by_step
    assert (1, "step/loss") not in by_step


def test_a_pair_is_drawn_with_both_flows_to_one_scale():
    model = build_lightflow(LightFlowConfig(width=0.05))
    current = np.full((3, 64, 64, 3), -1, np.float32)
    key = np.ones_like(current)
    truth = np.full((3, 16, 16, 2), (3, 4), np.float32)
    drawn = draw_pairs(model, current, key, truth, limit=2)
    assert len(drawn) == 2
    picture = next(iter(drawn.values()))
    assert picture.shape == (64, 256, 3)
    assert (picture[:, :64] == 0).all()
    assert (picture[:, 64:128] == 255).all()
    colour = draw_flow(truth[0], full_length=5.0)[0, 0]
    np.testing.assert_array_equal(picture[10, 150], colour)
    # A random network predicts next to nothing, which is nearly white.
    assert picture[:, 192:].min() > 200
