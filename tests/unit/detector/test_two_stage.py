"""The paper's detector whole: it builds, runs, saves, compiles and exports."""

import keras
import numpy as np
import pytest

from detector.feature_network import build_feature_network
from detector.two_stage import build_head, build_head_maps, build_two_stage
from detector.two_stage_config import TwoStageConfig, map_specs, shared_spec
from vod.engine import LiteRtGraph
from vod.export import export_graph
from vod.weights import load_model_weights, save_model_weights

SMALL = TwoStageConfig(
    input_height=64,
    input_width=96,
    width=0.25,
    class_count=3,
    anchor_sides=(16.0, 32.0),
    candidates=40,
    proposals=8,
    nms_rounds=12,
)


def pictures(config: TwoStageConfig, batch: int) -> np.ndarray:
    shape = (batch, config.input_height, config.input_width, 3)
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def arrays(outputs) -> list[np.ndarray]:
    return [np.asarray(output) for output in outputs]


def enliven(model: keras.Model) -> keras.Model:
    """Give weights that keep a signal's size, as training does.

    Keras' own beginning leaves nothing of it behind 13 depthwise convolutions, and with
    every value near 0 wrong networks look right and orders are ties.
    """
    rng = np.random.default_rng(1)
    for variable in model.trainable_weights:
        shape = variable.shape
        if variable.path.endswith("gamma"):
            continue
        taps = shape[:2] if "depthwise" in variable.path else shape[:-1]
        scale = 0.1 if len(shape) == 1 else (2 / np.prod(taps)) ** 0.5
        variable.assign(rng.normal(0, scale, shape))
    return model


@pytest.fixture(scope="module")
def model():
    return enliven(build_two_stage(SMALL))


@pytest.mark.parametrize("width", [1.0, 0.75, 0.5])
def test_the_papers_sizes_give_the_promised_maps(width):
    config = TwoStageConfig(width=width)
    shared, rpn, regions = shared_spec(config), *map_specs(config)
    assert build_feature_network(config).output_shape == (
        *(None, 14, 25),
        shared.channels,
    )
    for tensor, spec in zip(
        build_head_maps(config).outputs, (rpn, regions), strict=True
    ):
        assert tensor.shape == (None, 14, 25, spec.channels)


@pytest.mark.parametrize("size", [(64, 64), (75, 110), (33, 48)])
def test_any_size_runs(size):
    config = TwoStageConfig(*size, width=0.25, class_count=2, proposals=5)
    boxes, scores = arrays(build_two_stage(config)(pictures(config, 1)))
    assert (boxes.shape, scores.shape) == ((1, 5, 4), (1, 5, 2))


@pytest.mark.parametrize("batch", [1, 2])
def test_boxes_lie_in_the_picture_and_scores_in_zero_to_one(model, batch):
    boxes, scores = arrays(model(pictures(SMALL, batch)))
    assert (boxes.shape, scores.shape) == ((batch, 8, 4), (batch, 8, 3))
    assert (boxes >= 0).all()
    assert (boxes[..., 2:] <= [96, 64]).all()
    assert (boxes[..., :2] <= boxes[..., 2:]).all()
    assert (scores >= 0).all()
    assert (scores.sum(-1) <= 1 + 1e-5).all()
    # Alive: classes differ, and more than two regions stay.
    assert scores.max() > 1.3 * scores[scores > 0].min()
    assert ((scores.sum(-1) > 0).sum(-1) > 2).all()


def test_a_picture_gives_the_same_alone_and_in_a_batch(model):
    batch = pictures(SMALL, 2)
    together = arrays(model(batch))
    for index in range(2):
        alone = arrays(model(batch[index : index + 1]))
        for one, both in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], both[index], atol=1e-3)


def test_features_of_the_deep_map_reach_the_fine_one_by_repetition():
    model = build_feature_network(SMALL)
    parts = keras.Model(
        model.input,
        [model.get_layer(n).output for n in ("deep_3x3", "lateral_1x1", "shared")],
    )
    deep, lateral, shared = arrays(parts(pictures(SMALL, 1)))
    assert (deep.shape[1:3], lateral.shape[1:3]) == ((2, 3), (4, 6))
    repeated = deep.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(shared, np.maximum(lateral + repeated, 0), atol=1e-5)


def test_weights_saved_and_loaded_give_the_same_detections(model, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_model_weights(model, path)
    first, second = build_two_stage(SMALL), build_two_stage(SMALL)
    load_model_weights(first, path)
    load_model_weights(second, path)
    image = pictures(SMALL, 1)
    for ours, theirs in zip(arrays(first(image)), arrays(second(image)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_variables_of_the_parts_and_of_the_whole_have_the_same_paths(model):
    parts = (build_feature_network, build_head_maps, build_head)
    paths = {v.path for part in parts for v in part(SMALL).weights}
    assert paths == {v.path for v in model.weights}
    assert {"Conv2d_11_pointwise/kernel", "rpn/kernel", "region_codes/bias"} <= paths


def test_a_model_opens_again_from_its_description(model):
    # model.save fails under NumPy 2's warning of __array__ without copy, in Keras.
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    image = pictures(SMALL, 1)
    for ours, theirs in zip(arrays(model(image)), arrays(again(image)), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_compiled_equals_eager(model):
    import tensorflow as tf

    image = pictures(SMALL, 2)
    compiled = tf.function(lambda x: model(x, training=False))
    for one, other in zip(arrays(model(image)), arrays(compiled(image)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_the_loss_of_an_output_reaches_every_weight_that_trains():
    import tensorflow as tf

    model = build_two_stage(SMALL)
    head = model.get_layer("head")
    logits = head.get_layer("rpn_logits").output
    probe = keras.Model(head.inputs, [*head.outputs, logits])
    maps = model.get_layer("head_maps")
    features = model.get_layer("features")
    with tf.GradientTape() as tape:
        outputs = probe(maps(features(pictures(SMALL, 1), training=True)))
        loss = sum(tf.reduce_mean(tf.square(output)) for output in outputs)
    weights = features.trainable_weights + maps.trainable_weights
    gradients = tape.gradient(loss, [variable.value for variable in weights])
    assert all(gradient is not None for gradient in gradients)
    assert all(np.isfinite(np.asarray(gradient)).all() for gradient in gradients)


def test_all_three_parts_export_and_run(model, tmp_path):
    image = pictures(SMALL, 1)
    shared = np.asarray(model.get_layer("features")(image))
    maps = arrays(model.get_layer("head_maps")(shared))
    parts = {
        "features": (build_feature_network(SMALL, batch_size=1), [image]),
        "head_maps": (build_head_maps(SMALL, batch_size=1), [shared]),
        "head": (build_head(SMALL, batch_size=1), maps),
    }
    for name, (part, sample) in parts.items():
        part.set_weights(model.get_layer(name).get_weights())
        path = tmp_path / f"{name}.tflite"
        export_graph(part, path, samples=[sample], float16=False)
    boxes, scores = LiteRtGraph(tmp_path / "head.tflite")(*maps)
    assert (boxes.shape, scores.shape) == ((1, 8, 4), (1, 8, 3))


def test_a_whole_detector_in_one_graph_exports(model, tmp_path):
    whole = build_two_stage(SMALL, batch_size=1)
    whole.set_weights(model.get_weights())
    error = export_graph(
        whole,
        tmp_path / "whole.tflite",
        samples=[[pictures(SMALL, 1)]],
        float16=False,
    )
    assert error < 0.1  # of a pixel
