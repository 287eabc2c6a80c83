"""Any model of `keras.applications` by one adapter: maps, pixels and lasting names."""

import keras
import numpy as np
import pytest

from detector.backbones.applications import (
    application,
    application_maps,
    find_application,
    map_places,
)
from vod.errors import ConfigError


@pytest.fixture(scope="module")
def xception():
    """Its side branches have layers without names of their own."""
    return application("Xception", input_shape=(96, 96, 3))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("VGG16", ["block4_conv3", "block5_conv3", "block5_pool"]),
        ("MobileNetV2", ["block_6_expand_relu", "block_13_expand_relu", "out_relu"]),
        # The last layers of strides 8 and 16 are thin ones inside a block that halves.
        ("ResNet50V2", ["conv3_block3_out", "conv4_block5_out", "post_relu"]),
    ],
)
def test_a_map_is_the_widest_that_the_next_stride_reads(name, expected):
    model = application(name, input_shape=(64, 64, 3))
    assert [model.operations[i].name for i in map_places(name)] == expected


def test_maps_of_unpadded_convolutions_are_put_on_the_grid():
    image = keras.Input((110, 75, 3))
    maps = application_maps(image, "Xception")
    assert [tuple(x.shape[1:3]) for x in maps] == [(14, 10), (7, 5), (4, 3)]


def test_numbered_layers_have_the_same_paths_whatever_was_built_before(xception):
    second = application("Xception", input_shape=(96, 96, 3))
    paths = [variable.path for variable in xception.weights]
    assert paths == [variable.path for variable in second.weights]
    assert {"conv2d_1/kernel", "batch_normalization_4/gamma"} <= set(paths)


def test_a_renamed_model_computes_what_the_original_does(xception):
    image = np.random.default_rng(0).uniform(-1, 1, (1, 96, 96, 3)).astype(np.float32)
    original = keras.applications.Xception(
        include_top=False, weights=None, input_shape=(96, 96, 3)
    )
    original.set_weights(xception.get_weights())
    np.testing.assert_array_equal(
        np.asarray(xception(image)), np.asarray(original(image))
    )


@pytest.mark.parametrize("name", ["VGG16", "DenseNet121", "MobileNetV2"])
def test_pixels_reach_the_network_as_its_own_preprocessing_gives_them(
    name, monkeypatch
):
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 4, 5, 3)).astype(np.float32)
    backbone = find_application(name)
    reached = []
    monkeypatch.setattr(
        "detector.backbones.applications.application_maps",
        lambda image, _: reached.append(image),
    )
    backbone.build((pixels - backbone.mean) / backbone.scale, 1.0, "batch")
    module = {
        "VGG16": "vgg16",
        "DenseNet121": "densenet",
        "MobileNetV2": "mobilenet_v2",
    }
    own = getattr(keras.applications, module[name]).preprocess_input(pixels.copy())
    np.testing.assert_allclose(np.asarray(reached[0]), own, atol=1e-3)


def test_models_that_normalise_inside_get_pixels():
    backbone = find_application("EfficientNetB0")
    assert (backbone.mean, backbone.scale) == (0, 1)


@pytest.mark.parametrize(
    ("name", "size", "sentence"),
    [
        ("ResNet5", 64, r"unknown backbone 'keras:ResNet5'.*Did you mean 'ResNet50'"),
        ("InceptionV3", 64, r"InceptionV3 cannot be built: .*at least 75x75"),
    ],
)
def test_what_cannot_be_built_is_one_sentence(name, size, sentence):
    with pytest.raises(ConfigError, match=sentence):
        application(name, input_shape=(size, size, 3))
