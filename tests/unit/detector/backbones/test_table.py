"""Every backbone of the table builds, and gives maps of strides 8, 16 and 32."""

import math
import subprocess
import sys

import keras
import numpy as np
import pytest

from detector.backbones.table import (
    BACKBONES,
    build_backbone,
    check_backbone,
    find_backbone,
)
from vod.engine import load_graph
from vod.errors import ConfigError
from vod.export import export_graph

# Keras' own counts without a classifier; MobileNet V1's and Lite's by hand, see below.
PARAMETERS = {
    "mobilenet_v1": 3_228_864,
    "mobilenet_v2": 2_257_984,
    "mobilenet_v3_small": 939_120,
    "mobilenet_v3_large": 2_996_352,
    "efficientnet_v2_b0": 5_919_312,
    "efficientnet_lite0": 2_998_304,
}


def model_of(name, size, batch_size=None, **changes):
    image = keras.Input((*size, 3), batch_size=batch_size, name="image")
    options = {"width": 1.0, "normalization": "batch"} | changes
    return keras.Model(image, list(build_backbone(image, name, **options)))


@pytest.mark.parametrize("name", list(BACKBONES))
def test_each_backbone_has_its_parameters_and_maps_of_three_strides(name):
    model = model_of(name, (75, 110))
    assert [tuple(shape[1:3]) for shape in model.output_shape] == [
        (math.ceil(75 / stride), math.ceil(110 / stride)) for stride in (8, 16, 32)
    ]
    assert model.count_params() == PARAMETERS[name]
    paths = [variable.path for variable in model.weights]
    assert len(set(paths)) == len(paths)
    maps = model(np.zeros((1, 75, 110, 3), np.float32))
    assert all(np.isfinite(np.asarray(values)).all() for values in maps)


@pytest.mark.parametrize("name", [n for n in BACKBONES if BACKBONES[n].any_size])
def test_a_graph_of_any_size_computes_what_keras_computes_at_that_size(name, tmp_path):
    options = {"width": 0.25, "normalization": "none", "batch_size": 1}
    keras.utils.set_random_seed(0)
    model = model_of(name, (64, 64), **options)
    path = tmp_path / "backbone.tflite"
    random = np.random.default_rng(0)
    picture = random.normal(size=(1, 64, 64, 3)).astype(np.float32)
    export_graph(model, path, samples=[[picture]], float16=False)
    for size in ((75, 110), (110, 75)):  # odd and even on the way down, both ways
        other = model_of(name, size, **options)
        other.set_weights(model.get_weights())
        picture = random.normal(size=(1, *size, 3)).astype(np.float32)
        maps = load_graph(path, input_size=size)(picture)
        for values, expected in zip(maps, other(picture), strict=True):
            np.testing.assert_allclose(values, np.asarray(expected), atol=1e-4)


def test_efficientnet_lite0_has_the_published_number_of_parameters():
    model = model_of("efficientnet_lite0", (64, 64))
    trained = sum(int(np.prod(v.shape)) for v in model.trainable_weights)
    # The classifier: 1x1 to 1280 with BatchNorm, and a dense layer to 1000 classes.
    top = 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    assert trained + top == 4_652_008  # 4.65 M: table of efficientnet-lite's README


def test_a_folded_efficientnet_lite0_has_biases_and_no_batch_norm():
    model = model_of("efficientnet_lite0", (32, 32), normalization="none", width=0.5)
    paths = {variable.path for variable in model.weights}
    assert not any("BatchNorm" in path for path in paths)
    assert {"stem/bias", "stage_2_0_project/bias", "stage_7_0_depthwise/bias"} <= paths
    assert model.output_shape[-1][-1] == 160


@pytest.mark.parametrize(
    ("name", "last"), [("mobilenet_v2", 1280), ("mobilenet_v1", 512)]
)
def test_width_thins_the_maps(name, last):
    shapes = model_of(name, (64, 64), width=0.5).output_shape
    assert [shape[-1] for shape in shapes[:2]] in ([96, 288], [128, 256])
    assert shapes[2][-1] == last  # V2 never thins its last layer


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("mobilenet_v4", 1.0, "batch"), r"unknown backbone 'mobilenet_v4'.*Did you"),
        (("mobilenet_v2", 0.0, "batch"), r"width must lie in \(0, 4\], received 0.0"),
        (("efficientnet_v2_b0", 0.5, "batch"), r"width of .* must be one of 1, rec"),
        (("keras:ResNet50", 0.5, "batch"), r"width of keras:ResNet50 must be one of 1"),
        (("mobilenet_v2", 1.0, "none"), r"normalization of .* must be one of batch"),
    ],
)
def test_what_a_backbone_does_not_come_in_is_one_sentence(arguments, sentence):
    with pytest.raises(ConfigError, match=sentence):
        check_backbone(*arguments)


def test_pixels_are_scaled_as_each_backbone_was_trained():
    ranges = {
        name: tuple((np.array([0, 255]) - found.mean) / found.scale)
        for name, found in ((name, find_backbone(name)) for name in BACKBONES)
    }
    assert ranges.pop("efficientnet_v2_b0") == (0, 255)  # it normalises inside
    assert ranges.pop("efficientnet_lite0") == (-127 / 128, 1)
    assert set(ranges.values()) == {(-1, 1)}


def test_reading_the_table_imports_no_network_library():
    program = (
        "import sys; from detector.backbones.table import check_backbone; "
        "check_backbone('mobilenet_v2', 1.0, 'batch'); "
        "check_backbone('keras:ResNet50', 1.0, 'batch'); "
        "import detector.network_config; "
        "sys.exit(int(bool({'keras', 'tensorflow'} & set(sys.modules))))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
