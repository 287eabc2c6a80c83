"""The shipped LightFlow: what its card promises, roughly."""

import json

import cv2
import numpy as np
import pytest

from flow.evaluate import main
from flow.registry import SHIPPED_WEIGHTS, load_flow, repeated
from vod.weights import read_record, verified_file


def clouds():
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (40, 40, 3)).astype(np.float32)
    world = cv2.resize(coarse, (360, 360), interpolation=cv2.INTER_CUBIC)
    return np.clip(world, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def lightflow():
    flow = load_flow("lightflow", input_height=300, input_width=300)
    return repeated("lightflow", flow, passes=None)


def test_every_file_is_the_one_recorded():
    folder = SHIPPED_WEIGHTS / "lightflow"
    record = read_record(folder, network="lightflow")
    assert set(record.files) == {"weights.safetensors", "flow_300x300.tflite"}
    for name in record.files:
        verified_file(folder, name, record)
    assert (folder / "CARD.md").is_file()


@pytest.mark.parametrize(("u", "v"), [(4, 0), (-4, 0), (0, 4), (0, -4), (0, 0)])
def test_flow_follows_a_shift_with_its_sign(lightflow, u, v):
    world = clouds()
    current = world[30:330, 30:330]
    key = world[30 - v : 330 - v, 30 - u : 330 - u]
    field = lightflow(lightflow.prepare(current), lightflow.prepare(key))
    pixels = field.in_pixels(image_height=300, image_width=300)[8:-8, 8:-8]
    assert np.abs(np.median(pixels, axis=(0, 1)) - (u, v)).max() < 0.5


def test_error_is_a_fifth_below_zero_flows_on_real_pairs(vod_data, tmp_path):
    pairs = vod_data / "flow" / "flying_chairs"
    errors = {}
    for name in ("lightflow", "zero"):
        path = tmp_path / f"{name}.json"
        arguments = ["--data", str(pairs), "--flow", name, "--report", str(path)]
        assert main(arguments) == 0
        errors[name] = json.loads(path.read_text())["epe"]
    assert errors["lightflow"] < 0.8 * errors["zero"]
