"""The adapter of warped maps: the identity at first, and none for key frames."""

import json
from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest

from detector.registry import load_detector
from flow.field import FlowField
from propagate import stages
from propagate.adapter.adapted import NETWORK, AdaptedDetector, OwnMaps, load_adapted
from propagate.adapter.batches import MapsBatches
from propagate.adapter.config import AdapterConfig
from propagate.adapter.export import export_adapter
from propagate.adapter.measure import maps_agreement
from propagate.adapter.model import MapsModel, distillation, warp_maps
from propagate.adapter.network import build_adapter
from propagate.adapter.train import train_maps
from propagate.adapter.train_config import MapsTrainConfig
from propagate.keyframes import FixedInterval
from propagate.pipeline import detect_video
from propagate.remembered import RememberingDetector
from propagate.train_data import Clip
from tests.builders import make_detections
from tests.toy_pipeline import SIDE, BrightestPixelFlow, make_parts
from vod.config import load_config, to_mapping
from vod.errors import ConfigError, WeightsError
from vod.preprocess import Preprocessing
from vod.types import Frame
from vod.weights import WEIGHTS_FILE, WeightsRecord, save_model_weights, write_record

pytestmark = [
    pytest.mark.filterwarnings(
        "ignore:Even though the `tf.config.experimental_run_functions_eagerly`"
    ),
    # Keras itself reads its variables so when it saves a backup.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

TOY = AdapterConfig(((SIDE, SIDE, 1),), channels=3)


def write_adapter(folder, config=TOY, *, change=0.0):
    """A weights folder whose last layers add `change` everywhere."""
    folder.mkdir(exist_ok=True)
    model = build_adapter(config)
    for layer in model.layers:
        if layer.name.endswith("_change"):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, bias + change])
    save_model_weights(model, folder / WEIGHTS_FILE)
    record = WeightsRecord(
        network=NETWORK,
        preprocessing=Preprocessing(SIDE, SIDE),
        origin="a test",
        licence="Apache-2.0",
        config=to_mapping(config),
    )
    write_record(folder, record)
    return folder


def dot_frames(count):
    """A bright dot that goes right by one pixel a frame."""
    for index in range(count):
        rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
        rgb[3, 1 + index] = 255
        yield Frame(index, index / 25, rgb)


def test_an_adapted_detector_can_be_remembered(tmp_path):
    folder = write_adapter(tmp_path)
    export_adapter(folder)
    detector = load_adapted(make_parts().detector, folder, engine="litert")
    assert RememberingDetector.of(detector).inner is detector


def test_an_untrained_adapter_changes_nothing():
    config = AdapterConfig(((6, 5, 7), (3, 3, 4)), channels=2)
    random = np.random.default_rng(0)
    maps = [random.normal(size=(2, *shape)).astype("f") for shape in config.maps]
    for before, after in zip(maps, build_adapter(config)(maps), strict=True):
        np.testing.assert_array_equal(np.asarray(after), before)


def test_warped_maps_are_adapted_and_those_of_key_frames_are_not(tmp_path):
    folder = write_adapter(tmp_path, change=-0.75)
    export_adapter(folder)
    parts = make_parts(interval=3, flow=BrightestPixelFlow())
    detector = load_adapted(parts.detector, folder, engine="litert")
    assert isinstance(detector, AdaptedDetector)

    def scores(which):
        path = replace(parts, detector=which, travels="maps")
        results = detect_video(path, dot_frames(6))
        return [result.detections.scores.tolist() for result in results]

    plain, adapted = scores(parts.detector), scores(detector)
    assert plain == [[1.0]] * 6
    # 1 - .75 is below the threshold; frames 0 and 3 are key frames.
    assert adapted == [[1.0], [], [], [1.0], [], []]


def test_the_same_picture_again_keeps_its_own_maps(tmp_path):
    folder = write_adapter(tmp_path, change=-0.75)
    export_adapter(folder)
    parts = make_parts(interval=1, flow=BrightestPixelFlow())
    detector = load_adapted(parts.detector, folder, engine="litert")
    assert isinstance(detector.features(np.zeros((1, SIDE, SIDE, 3), "f")), OwnMaps)
    path = replace(parts, detector=detector, travels="maps", keyframes=FixedInterval(1))
    (frame,) = dot_frames(1)
    again = [frame, replace(frame, index=1)]
    assert [len(r.detections) for r in detect_video(path, again)] == [1, 1]


def test_a_graph_gives_what_keras_does(tmp_path):
    folder = write_adapter(tmp_path, change=0.5)
    record = export_adapter(folder)
    assert record.graphs[NETWORK].max_abs_error < 1e-5
    detector = load_adapted(make_parts().detector, folder, engine="tensorflow")
    value = np.full((1, SIDE, SIDE, 1), 0.25, np.float32)
    np.testing.assert_allclose(detector.adapter(value)[0], 0.75, atol=1e-6)


def test_an_adapter_of_other_maps_is_refused(tmp_path):
    folder = write_adapter(tmp_path, AdapterConfig(((4, 4, 2),)))
    with pytest.raises(WeightsError, match=r"adapts maps .*4, 4, 2.*, but toy has"):
        load_adapted(make_parts().detector, folder, engine="litert")
    other = write_adapter(tmp_path / "toy")
    with pytest.raises(WeightsError, match=r"-m propagate\.adapter\.export"):
        load_adapted(make_parts().detector, other, engine="litert")


def test_maps_are_warped_in_training_as_in_use():
    random = np.random.default_rng(0)
    maps = [random.normal(size=(1, n, n, 3)).astype("f") for n in (19, 5, 1)]
    data = random.normal(0, 3, (12, 16, 2)).astype("f")
    shares = data / np.array([16, 12], np.float32)
    expected = stages.warp_maps(tuple(maps), FlowField(data), border="edge")
    found = warp_maps(maps, keras.ops.convert_to_tensor(shares[None]))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(one), other, atol=1e-4)


def test_the_loss_is_zero_for_the_teachers_own_answer_and_grows_with_the_gap():
    config = MapsTrainConfig(scores=1, boxes=1, maps=1)
    maps = [np.array([1, 1, 3, 3], np.float32).reshape(1, 2, 2, 1)]  # variance 1
    boxes = np.array([[[10, 10, 30, 50]]], np.float32)
    scores = np.array([[[0.8, 0.1]]], np.float32)
    same = distillation(config, (maps, boxes, scores), (maps, boxes, scores))
    assert all(abs(float(part)) < 1e-5 for part in same.values())
    moved = boxes + np.array([4, 0, 4, 0], np.float32)
    other = distillation(config, (maps, boxes, scores), ([maps[0] + 1], moved, scores))
    # Two corners off by 4 of 20: d = 2 tenths, smooth L1 1.5 tenths each; score .8.
    expected = 2 * 1.5 * 0.1 * 0.64 / 1.64
    np.testing.assert_allclose(float(other["boxes"]), expected, rtol=1e-5)
    np.testing.assert_allclose(float(other["maps"]), 1 / 1.1, rtol=1e-5)
    assert float(other["scores"]) == pytest.approx(0, abs=1e-5)


def square_clip(count=12, side=64):
    random = np.random.default_rng(0)
    ground = cv2.blur(random.integers(0, 255, (side, side, 3), np.uint8), (3, 3))
    pictures = np.stack([np.roll(ground, index, 1) for index in range(count)])
    return Clip("rolling", pictures, [make_detections()] * count)


def test_batches_hold_the_flow_from_the_current_picture_to_the_key_frame():
    settings = ["batch_size=2", "pairs.distances=[3]", "pairs.smallest_crop=1"]
    config = load_config(MapsTrainConfig, None, settings)

    class ThreeRight:
        def prepare(self, picture):
            return picture

        def __call__(self, _current, _key):
            return FlowField(np.full((4, 8, 2), [2, 1], np.float32))

    batches = MapsBatches(
        [square_clip()], config, Preprocessing(64, 64), flow=ThreeRight(), flow_side=64
    )
    inputs, _ = batches.batch(3)
    assert inputs["current"].shape == inputs["key"].shape == (2, 64, 64, 3)
    # 2 of 8 columns and 1 of 4 rows, in shares of the picture.
    np.testing.assert_allclose(inputs["flow"][0, 0, 0], [0.25, 0.25])
    np.testing.assert_array_equal(inputs["key"], batches.batch(3)[0]["key"])
    small = MapsBatches(
        [square_clip()], config, Preprocessing(64, 64), flow=None, flow_side=32
    )
    assert small.batch(0)[0]["small_key"].shape == (2, 32, 32, 3)


def toy_halves():
    """Maps are the picture's 2 x 2 means; scores are their sigmoid, boxes fixed."""
    image = keras.Input((SIDE, SIDE, 3))
    means = [keras.layers.AveragePooling2D(side)(image) for side in (2, 4)]
    features = keras.Model(image, means)
    maps = [keras.Input((4, 4, 3)), keras.Input((2, 2, 3))]
    rows = [keras.layers.Reshape((-1, 3))(one) for one in maps]
    scores = keras.layers.Concatenate(axis=1)(rows)
    boxes = keras.layers.Dense(
        4, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(9)
    )(scores)
    head = keras.Model(maps, [boxes, keras.layers.Activation("sigmoid")(scores)])
    return features, head


def brighter_pictures():
    """The current picture is the key frame's, brighter by 2."""
    key = np.random.default_rng(0).normal(size=(4, SIDE, SIDE, 3)).astype("f")
    flow = np.zeros((4, 1, 1, 2), np.float32)
    return {"current": key + 2, "key": key, "flow": flow}


@pytest.mark.usefixtures("eagerly")
def test_the_adapter_learns_what_the_warp_cannot_know():
    keras.utils.set_random_seed(0)
    adapter = build_adapter(AdapterConfig(((4, 4, 3), (2, 2, 3)), channels=8))
    model = MapsModel(toy_halves(), adapter, None, MapsTrainConfig())
    inputs, nothing = brighter_pictures(), np.zeros(4, "f")
    model(inputs)
    assert len(model.trainable_variables) == 12  # of the adapter, two maps
    model.compile(keras.optimizers.Adam(0.02), jit_compile=False)
    before = model.evaluate(inputs, nothing, verbose=0, return_dict=True)
    model.fit(inputs, nothing, epochs=40, verbose=0)
    after = model.evaluate(inputs, nothing, verbose=0, return_dict=True)
    assert after["loss"] < 0.2 * before["loss"]
    assert after["boxes"] == before["boxes"] == 0


@pytest.fixture
def eagerly():
    """Tracing and optimising the training graph would take most of the test's time."""
    tensorflow = pytest.importorskip("tensorflow")
    tensorflow.config.run_functions_eagerly(True)
    yield
    tensorflow.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("flow", ["dis-ultrafast", "lightflow"])
def test_training_leaves_a_graph_and_figures(tmp_path, tiny_folder, monkeypatch, flow):
    import detector.registry
    import propagate.adapter.train as training
    from detector.export import export_detector
    from flow.lightflow import LightFlowConfig, build_lightflow
    from flow.train.run import write_weights

    export_detector(tiny_folder)
    teacher = load_detector("ssd_mobilenet_v1", weights=tiny_folder)
    for module in (detector.registry, training):
        monkeypatch.setattr(module, "weights_folder", lambda *_: tiny_folder)
    init = tmp_path / "init"
    init.mkdir()
    narrow = LightFlowConfig(width=0.05)
    write_weights(build_lightflow(narrow), init, narrow, "a test")
    settings = ["schedule.steps=2", "schedule.steps_per_epoch=1", "batch_size=1"]
    settings += ["schedule.warmup_steps=1", f"flow={flow}", "channels=8"]
    settings += ["pairs.distances=[4]", "schedule.peak=0.003"]
    config = load_config(MapsTrainConfig, None, settings)
    out = tmp_path / "out"
    weights = train_maps(
        config, teacher, clips=([square_clip()], [square_clip()]), init=init, out=out
    )
    rows = (out / "log.csv").read_text().splitlines()
    place = rows[0].split(",").index("loss")
    losses = [float(row.split(",")[place]) for row in rows[1:]]
    assert all(np.isfinite(losses))
    load_adapted(teacher, weights, engine="litert")
    result = json.loads((out / "result.json").read_text())
    assert set(result["adapted"]) >= {"agree_5", "agree_10", "scores", "boxes", "maps"}
    assert (out / "flow" / "record.json").exists() == (flow == "lightflow")


def test_agreement_of_a_still_clip_is_full():
    parts = make_parts()
    (frame,) = dot_frames(1)
    found = parts.detector.detect(
        parts.detector.features(parts.detector.preprocessing(frame.rgb)),
        frame_height=SIDE,
        frame_width=SIDE,
        postprocess=parts.postprocess,
    )
    clip = Clip("still", np.stack([frame.rgb] * 12), [found] * 12)
    figures = maps_agreement(parts.detector, BrightestPixelFlow(), [clip])
    assert figures == {"agree_5": 1.0, "agree_10": 1.0}
    clip.detections[5:] = [make_detections()] * 7
    figures = maps_agreement(parts.detector, BrightestPixelFlow(), [clip])
    assert figures["agree_10"] == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("batch_size=0", "batch_size must be 1 or more"),
        ("scores=-1", "must not be negative"),
        ("average=1", "average must lie"),
    ],
)
def test_settings_without_sense_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        load_config(MapsTrainConfig, None, [change])
