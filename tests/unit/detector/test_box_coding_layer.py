import keras
import numpy as np

from detector.box_coding import decode_boxes
from detector.box_coding_layer import BoxDecoder

ANCHOR = np.array([[50, 40, 20, 10]], np.float32)  # centre x, y, width, height


def test_the_layer_decodes_as_the_function_does():
    rng = np.random.default_rng(1)
    anchors = rng.uniform(5, 100, (7, 4)).astype(np.float32)
    codes = rng.normal(0, 2, (2, 7, 4)).astype(np.float32)
    decoded = np.asarray(BoxDecoder(anchors)(codes))
    expected = np.stack([decode_boxes(c, anchors) for c in codes])
    np.testing.assert_allclose(decoded, expected, rtol=1e-5, atol=1e-3)


def test_the_layer_survives_its_config():
    layer = BoxDecoder(ANCHOR, name="boxes")
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    np.testing.assert_array_equal(again.anchors, ANCHOR)
    assert again.name == "boxes"
