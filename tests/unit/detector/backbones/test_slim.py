"""A checkpoint with slim's names becomes a backbone that computes what it says."""

import numpy as np
import pytest

from detector.backbones.initial import initialise_backbone
from detector.backbones.slim import read_slim, slim_names
from detector.convert import main
from detector.network import build_halves
from detector.network_config import DetectorConfig
from vod.errors import WeightsError
from vod.weights import read_record

tf = pytest.importorskip("tensorflow")

STRIDES = {2: 2, 4: 2, 6: 2, 12: 2}  # of the blocks, mobilenet_v1.py
CHANNELS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)


def slim_values(width, rng):
    """Give a network's values by slim's names, of a size that keeps signals alive."""
    values = {}
    channels = [int(c * width) for c in CHANNELS]

    def layer(scope, kind, shape, taps):
        values[f"{scope}/{kind}"] = rng.normal(0, (2 / taps) ** 0.5, shape)
        for part, low, high in (
            ("gamma", 0.7, 1.3),
            ("beta", -0.2, 0.4),
            ("moving_mean", -0.2, 0.2),
            ("moving_variance", 0.7, 1.3),
        ):
            size = shape[2] if kind == "depthwise_weights" else shape[3]
            values[f"{scope}/BatchNorm/{part}"] = rng.uniform(low, high, size)

    layer("MobilenetV1/Conv2d_0", "weights", (3, 3, 3, channels[0]), 27)
    for block in range(1, 14):
        before, after = channels[block - 1], channels[block]
        scope = f"MobilenetV1/Conv2d_{block}"
        layer(f"{scope}_depthwise", "depthwise_weights", (3, 3, before, 1), 9)
        layer(f"{scope}_pointwise", "weights", (1, 1, before, after), before)
    values["MobilenetV1/Logits/Conv2d_1c_1x1/weights"] = np.zeros((1, 1, 8, 1001))
    values["MobilenetV1/Logits/Conv2d_1c_1x1/biases"] = np.zeros(1001)
    values["global_step"] = np.array(7)
    return {name: np.asarray(value, np.float32) for name, value in values.items()}


def write_checkpoint(path, values):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        held = [
            tf.compat.v1.get_variable(name, initializer=value)
            for name, value in values.items()
        ]
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver(held).save(session, str(path), write_meta_graph=False)


def slim_forward(values, image):
    """Run slim's network on a picture in plain TensorFlow; give blocks 5, 11 and 13."""

    def finish(x, scope):
        gamma, beta, mean, variance = (
            values[f"{scope}/BatchNorm/{part}"]
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        x = tf.nn.batch_normalization(x, mean, variance, beta, gamma, 0.001)
        return tf.nn.relu6(x)

    scope = "MobilenetV1/Conv2d_0"
    x = finish(tf.nn.conv2d(image, values[f"{scope}/weights"], 2, "SAME"), scope)
    maps = []
    for block in range(1, 14):
        stride = STRIDES.get(block, 1)
        scope = f"MobilenetV1/Conv2d_{block}_depthwise"
        kernel = values[f"{scope}/depthwise_weights"]
        x = tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")
        x = finish(x, scope)
        scope = f"MobilenetV1/Conv2d_{block}_pointwise"
        x = finish(tf.nn.conv2d(x, values[f"{scope}/weights"], 1, "SAME"), scope)
        if block in (5, 11, 13):
            maps.append(np.asarray(x))
    return maps


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("slim") / "mobilenet_v1_0.5_224.ckpt"
    values = slim_values(0.5, np.random.default_rng(0))
    write_checkpoint(path, values)
    return path, values


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_a_converted_checkpoint_computes_what_slims_network_does(
    checkpoint, tmp_path, normalization
):
    path, values = checkpoint
    out = tmp_path / "backbone"
    assert main(["mobilenet_v1_slim", str(path), str(out)]) == 0
    assert read_record(out).network == "mobilenet_v1"
    config = DetectorConfig(
        head="fcos",
        width=0.5,
        input_height=65,
        input_width=96,
        normalization=normalization,
    )
    features, _ = build_halves(config)
    initialise_backbone(features, config, out)
    import keras

    names = [f"Conv2d_{block}_pointwise_relu6" for block in (5, 11, 13)]
    backbone = keras.Model(
        features.inputs[0], [features.get_layer(name).output for name in names]
    )
    image = np.random.default_rng(1).uniform(-1, 1, (1, 65, 96, 3)).astype(np.float32)
    for ours, expected in zip(
        backbone(image), slim_forward(values, image), strict=True
    ):
        assert expected.std() > 0.1
        # float32, another order of sums (measured 2e-5)
        np.testing.assert_allclose(np.asarray(ours), expected, atol=5e-4)


def test_a_moving_average_is_preferred(checkpoint, tmp_path):
    _, values = checkpoint
    path = tmp_path / "averaged.ckpt"
    name = "MobilenetV1/Conv2d_3_depthwise/BatchNorm/beta"
    average = values[name] + 1
    write_checkpoint(path, values | {f"{name}/ExponentialMovingAverage": average})
    got = read_slim(path)
    np.testing.assert_array_equal(got["Conv2d_3_depthwise_BatchNorm/beta"], average)
    np.testing.assert_array_equal(
        got["Conv2d_3_depthwise_BatchNorm/gamma"],
        values["MobilenetV1/Conv2d_3_depthwise/BatchNorm/gamma"],
    )


def test_every_one_of_135_variables_has_its_name():
    names = slim_names()
    assert len(names) == len(set(names.values())) == 27 * 5
    assert names["Conv2d_0/kernel"] == "MobilenetV1/Conv2d_0/weights"


def test_what_is_no_such_checkpoint_is_one_sentence(tmp_path, caplog):
    out = tmp_path / "out"
    assert main(["mobilenet_v1_slim", str(tmp_path / "no.ckpt"), str(out)]) == 1
    assert "is not the prefix of a TensorFlow checkpoint" in caplog.text
    write_checkpoint(tmp_path / "other.ckpt", {"a": np.zeros(2, np.float32)})
    with pytest.raises(WeightsError, match=r"it has no MobilenetV1/Conv2d_0/weights"):
        read_slim(tmp_path / "other.ckpt")
    thin = tmp_path / "thin.ckpt"
    write_checkpoint(thin, slim_values(0.25, np.random.default_rng(0)))
    assert main(["mobilenet_v1_slim", str(thin), str(out)]) == 1
    assert "width 0.25 and 8 channels in its first layer" in caplog.text
    assert not out.exists()
