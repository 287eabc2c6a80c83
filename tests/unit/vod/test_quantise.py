import numpy as np
import pytest

from vod.engine import LiteRtGraph
from vod.errors import ConfigError, WeightsError
from vod.preprocess import Preprocessing
from vod.quantise import Quantisation, export_int8, relative_error

PIXELS = Preprocessing(8, 8, mean=128.0, scale=128.0)


@pytest.fixture(scope="module")
def model():
    import keras

    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), batch_size=1, name="image")
    x = keras.layers.Conv2D(16, 3, padding="same", name="first")(image)
    x = keras.layers.ReLU(max_value=6.0, name="first_relu6")(x)
    x = keras.layers.Conv2D(32, 1, name="second")(x)
    return keras.Model(image, keras.layers.Conv2D(4, 1, name="last")(x), name="net")


@pytest.fixture(scope="module")
def samples():
    random = np.random.default_rng(0)
    pictures = random.integers(10, 240, (20, 8, 8, 3), dtype=np.uint8)
    return [[PIXELS.normalise(picture)] for picture in pictures]


def test_an_int8_graph_takes_pixels_and_gives_nearly_what_keras_gives(
    model, samples, tmp_path
):
    path = tmp_path / "net.tflite"
    how = Quantisation(PIXELS)
    error = export_int8(model, path, samples=samples, how=how)
    assert 0 < error < 0.1
    graph = LiteRtGraph(path)
    assert graph.inputs.dtypes == [np.dtype(np.uint8)]
    picture = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    (ours,) = graph(picture[None])
    expected = np.asarray(model(PIXELS.normalise(picture)))
    assert ours.dtype == np.float32
    assert relative_error(ours, expected) < 0.1
    assert [file.name for file in tmp_path.iterdir()] == ["net.tflite"]


def test_layers_that_stay_float_bring_the_graph_closer(model, samples, tmp_path):
    errors = [
        export_int8(
            model,
            tmp_path / "net.tflite",
            samples=samples,
            how=Quantisation(PIXELS, layers),
        )
        for layers in ((), ("first", "second"), ("first", "second", "last"))
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-5  # nothing is left in int8, and pixels are exact


def test_a_graph_of_floats_takes_floats(model, samples, tmp_path):
    path = tmp_path / "net.tflite"
    export_int8(model, path, samples=samples, how=Quantisation())
    assert LiteRtGraph(path).inputs.dtypes == [np.dtype(np.float32)]


def test_an_unknown_layer_is_refused(model, samples, tmp_path):
    how = Quantisation(PIXELS, ("frist",))
    with pytest.raises(ConfigError, match="net has no operation of a layer 'frist'"):
        export_int8(model, tmp_path / "net.tflite", samples=samples, how=how)
    assert not list(tmp_path.iterdir())


def test_a_graph_that_int8_ruins_is_refused(samples, tmp_path):
    import keras

    # One channel is 10,000 times the other, and only the small one counts: a range
    # that holds both has no steps left for it.
    image = keras.Input((8, 8, 3), batch_size=1, name="image")
    wide = keras.layers.Conv2D(2, 1, name="wide")
    last = keras.layers.Conv2D(1, 1, name="last")
    net = keras.Model(image, last(wide(image)), name="net")
    wide.kernel.assign(np.ones((1, 1, 3, 2), np.float32) * [1e4, 1.0])
    last.kernel.assign(np.array([0.0, 1.0], np.float32).reshape(1, 1, 2, 1))
    with pytest.raises(WeightsError, match="the int8 graph is off by"):
        export_int8(net, tmp_path / "n.tflite", samples=samples, how=Quantisation())
    assert not list(tmp_path.iterdir())
