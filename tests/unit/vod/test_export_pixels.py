"""Graphs that take pixels give what Keras gives on the normalised picture."""

import keras
import numpy as np
import pytest

from vod.engine import load_graph
from vod.errors import WeightsError
from vod.export import export_graph
from vod.export_pixels import as_pixels
from vod.preprocess import Preprocessing

HEIGHT, WIDTH = 5, 7


def random_pixels(seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (1, HEIGHT, WIDTH, 3), dtype=np.uint8)


def padded_convolution(count=1):
    """A stride-2 convolution, whose padding shows where zero is put."""
    inputs = [
        keras.Input((HEIGHT, WIDTH, 3), batch_size=1, name=f"picture_{i}")
        for i in range(count)
    ]
    joined = keras.layers.Concatenate()(inputs) if count > 1 else inputs[0]
    convolution = keras.layers.Conv2D(
        4, 3, 2, padding="same", name="maps", kernel_initializer="glorot_normal"
    )
    inputs = inputs if count > 1 else inputs[0]
    return keras.Model(inputs, convolution(joined), name="tiny")


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("mean", [128.0, 127.5, 0.0, 103.9])
def test_a_graph_of_pixels_normalises_them_itself(tmp_path, count, mean):
    pixels = Preprocessing(HEIGHT, WIDTH, mean=mean, scale=127.5)
    model = padded_convolution(count)
    pictures = [random_pixels(seed) for seed in range(count)]
    normalised = [pixels.normalise(picture[0]) for picture in pictures]
    path = tmp_path / "tiny.tflite"
    error = export_graph(
        model, path, samples=[normalised], float16=False, pixels=pixels
    )
    graph = load_graph(path)
    assert graph.inputs.dtypes == [np.dtype(np.uint8)] * count
    assert graph.input_shapes == [(1, HEIGHT, WIDTH, 3)] * count
    expected = model(normalised if count > 1 else normalised[0])
    (maps,) = graph(*pictures)
    assert error < 1e-5
    np.testing.assert_allclose(maps, np.asarray(expected), atol=1e-5)


def test_the_first_picture_stays_the_first(tmp_path):
    pixels = Preprocessing(HEIGHT, WIDTH)
    model = padded_convolution(2)
    pictures = [random_pixels(0), random_pixels(1)]
    normalised = [pixels.normalise(picture[0]) for picture in pictures]
    path = tmp_path / "tiny.tflite"
    export_graph(model, path, samples=[normalised], pixels=pixels)
    right, wrong = load_graph(path)(*pictures)[0], load_graph(path)(*pictures[::-1])[0]
    expected = np.asarray(model(normalised))
    assert np.abs(right - expected).max() < 1e-2 < np.abs(wrong - expected).max()


def test_a_sample_outside_what_pixels_can_show_is_checked_as_they_show_it(tmp_path):
    pixels = Preprocessing(HEIGHT, WIDTH)
    sample = np.full((1, HEIGHT, WIDTH, 3), 1.2, np.float32)
    path = tmp_path / "tiny.tflite"
    samples = [[sample]]
    assert (
        export_graph(padded_convolution(), path, samples=samples, pixels=pixels) < 1e-2
    )


def test_a_graph_that_is_wrong_is_thrown_away(tmp_path, monkeypatch):
    monkeypatch.setattr("vod.export.from_zero_point", lambda model, _pixels: model)
    monkeypatch.setattr("vod.export_pixels.zero_point", lambda _pixels: 0)
    path = tmp_path / "tiny.tflite"
    pixels = Preprocessing(HEIGHT, WIDTH)
    normalised = pixels.normalise(random_pixels()[0])
    with pytest.raises(WeightsError, match="differs from Keras"):
        export_graph(padded_convolution(), path, samples=[[normalised]], pixels=pixels)
    assert list(tmp_path.iterdir()) == []


def test_normalised_pictures_give_their_pixels_back():
    pixels = Preprocessing(HEIGHT, WIDTH, mean=128.0, scale=128.0)
    picture = random_pixels()
    np.testing.assert_array_equal(
        as_pixels(pixels.normalise(picture[0]), pixels), picture
    )
    beyond = np.array([-2.0, 2.0], np.float32)
    np.testing.assert_array_equal(as_pixels(beyond, pixels), [0, 255])
