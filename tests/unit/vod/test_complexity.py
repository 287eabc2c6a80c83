"""Counting multiply-adds of networks small enough to count by hand."""

import keras
import pytest
from keras import layers

from vod.complexity import LayerCost, count_multiply_adds, layer_costs
from vod.errors import ShapeError


def test_each_kind_of_layer_is_counted():
    image = keras.Input((8, 6, 3))
    tensor = layers.Conv2D(4, 3, strides=2, padding="same")(image)  # 4*3 cells
    tensor = layers.DepthwiseConv2D(3, padding="same")(tensor)
    tensor = layers.Conv2D(5, 1)(tensor)
    tensor = layers.GlobalAveragePooling2D()(tensor)
    model = keras.Model(image, layers.Dense(7)(tensor))
    assert count_multiply_adds(model) == 12 * (27 * 4) + 12 * 9 * 4 + 12 * 20 + 35


def test_models_inside_models_are_counted():
    inner_input = keras.Input((4, 4, 2))
    inner = keras.Model(inner_input, layers.Conv2D(3, 1)(inner_input))
    image = keras.Input((4, 4, 2))
    model = keras.Model(image, layers.Conv2D(1, 1)(inner(image)))
    assert count_multiply_adds(model) == 16 * 6 + 16 * 3


def test_open_sizes_are_refused():
    image = keras.Input((None, None, 3))
    model = keras.Model(image, layers.Conv2D(2, 1, name="c")(image))
    with pytest.raises(ShapeError, match=r"c gives .* fixed height"):
        count_multiply_adds(model)


def test_layers_that_hide_a_middle_map_are_refused():
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, layers.SeparableConv2D(2, 3, name="s")(image))
    with pytest.raises(ShapeError, match="s: SeparableConv2D hides"):
        count_multiply_adds(model)


def test_layers_are_listed_with_their_parameters():
    inner_input = keras.Input((4, 4, 2))
    tensor = layers.Conv2D(3, 1, use_bias=False, name="c")(inner_input)
    tensor = layers.ReLU()(layers.BatchNormalization(name="n")(tensor))
    inner = keras.Model(inner_input, tensor, name="inner")
    image = keras.Input((4, 4, 2))
    rows = layers.Reshape((16, 3))(inner(image))
    model = keras.Model(image, layers.Dense(5, name="d")(rows))
    assert layer_costs(model) == [
        LayerCost("inner/c", "Conv2D", "4x4x3", 6, 16 * 6),
        LayerCost("inner/n", "BatchNormalization", "4x4x3", 12, 0),
        LayerCost("d", "Dense", "16x5", 20, 16 * 15),
    ]


def test_layers_with_weights_of_an_unknown_kind_are_refused():
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, layers.Conv2DTranspose(2, 3, name="t")(image))
    with pytest.raises(ShapeError, match="t: the multiply-adds of a Conv2DTranspose"):
        count_multiply_adds(model)


def test_a_shared_layer_is_one_entry_with_the_work_of_every_map():
    small, large = keras.Input((2, 2, 3)), keras.Input((4, 5, 3))
    shared = layers.Conv2D(2, 3, padding="same", name="c")
    model = keras.Model([large, small], [shared(large), shared(small)])
    assert layer_costs(model) == [
        LayerCost("c", "Conv2D", "4x5x2", 56, (20 + 4) * 9 * 3 * 2)
    ]
    # Of another model on the same layer, only its own map counts.
    assert count_multiply_adds(keras.Model(small, model.outputs[1])) == 4 * 54


def test_normalisation_takes_nothing():
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, layers.LayerNormalization(name="n")(image))
    assert layer_costs(model) == [LayerCost("n", "LayerNormalization", "4x4x3", 6, 0)]
