import json

import keras
import numpy as np
import pytest
import safetensors.numpy

from vod.errors import WeightsError
from vod.preprocess import Preprocessing
from vod.weights import (
    RECORD_FILE,
    WEIGHTS_FILE,
    GraphRecord,
    WeightsRecord,
    load_model_weights,
    read_record,
    save_model_weights,
    sha256_of,
    verified_file,
    write_record,
)


def tiny_model(units=2, name="dense"):
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(units, name=name)(inputs))


def filled(model, seed=0):
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.fixture
def record():
    graph = GraphRecord("head.tflite", ("a", "b"), ("boxes",), 1.5e-6)
    return WeightsRecord(
        network="ssd_mobilenet_v1",
        preprocessing=Preprocessing(height=300, width=300),
        origin="trained here",
        licence="Apache-2.0",
        config={"width": 0.75, "ratios": [1, 2]},
        classes=("cat", "dog"),
        graphs={"head": graph},
    )


@pytest.fixture
def folder(tmp_path, record):
    (tmp_path / WEIGHTS_FILE).write_bytes(b"weights")
    (tmp_path / "head.tflite").write_bytes(b"graph")
    write_record(tmp_path, record)
    return tmp_path


def test_a_record_is_read_as_it_was_written(folder, record):
    again = read_record(folder, network="ssd_mobilenet_v1")
    assert again.graphs == record.graphs
    assert again.preprocessing == record.preprocessing
    assert again.config == record.config
    assert again.classes == record.classes
    assert again.files == {
        WEIGHTS_FILE: sha256_of(folder / WEIGHTS_FILE),
        "head.tflite": sha256_of(folder / "head.tflite"),
    }


def test_sha256_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    assert sha256_of(path) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_files_that_do_not_exist_yet_are_not_listed(tmp_path, record):
    assert write_record(tmp_path, record).files == {}


def test_weights_of_another_network_are_refused(folder):
    with pytest.raises(WeightsError, match="of 'ssd_mobilenet_v1', not of 'lightflow'"):
        read_record(folder, network="lightflow")


def test_a_folder_without_a_record_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"no weights in .*record\.json cannot be"):
        read_record(tmp_path / "absent")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "record.json is not JSON"),
        ("[1]", "record.json is not a weights record: it holds no keys"),
        ("{}", "not a weights record: .*a key is missing.*'network'"),
        ('{"networks": "x"}', "unknown key 'networks'. Did you mean 'network'"),
        ('{"graphs": {"head": {"file": 3}}}', "graphs.head.file must be str"),
        ('{"graphs": [1]}', "graphs must be dict.*received"),
        ('{"files": {"a": 1}}', "files.a must be str, received 1"),
    ],
)
def test_a_file_that_is_not_a_record_is_one_clear_sentence(tmp_path, text, message):
    (tmp_path / RECORD_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(WeightsError, match=message):
        read_record(tmp_path)


def test_an_unaltered_file_is_verified(folder):
    path = verified_file(folder, "head.tflite", read_record(folder))
    assert path.read_bytes() == b"graph"


def test_an_altered_file_is_refused(folder):
    (folder / "head.tflite").write_bytes(b"grapf")
    with pytest.raises(WeightsError, match=r"head\.tflite is not the file that record"):
        verified_file(folder, "head.tflite", read_record(folder))


def test_a_missing_file_is_named(folder):
    (folder / "head.tflite").unlink()
    with pytest.raises(WeightsError, match=r"head\.tflite is missing"):
        verified_file(folder, "head.tflite", read_record(folder))


def test_a_file_that_the_record_does_not_list_is_refused(folder):
    (folder / "other.tflite").write_bytes(b"graph")
    with pytest.raises(WeightsError, match=r"record\.json does not list other\.tflite"):
        verified_file(folder, "other.tflite", read_record(folder))


def test_a_record_is_plain_json_that_people_can_read(folder):
    values = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    assert values["graphs"]["head"]["outputs"] == ["boxes"]


def test_float32_weights_come_back_exactly(tmp_path):
    saved, loaded = filled(tiny_model()), tiny_model()
    save_model_weights(saved, tmp_path / WEIGHTS_FILE, dtype="float32")
    load_model_weights(loaded, tmp_path / WEIGHTS_FILE)
    for ours, theirs in zip(loaded.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert [path.name for path in tmp_path.iterdir()] == [WEIGHTS_FILE]


def test_float16_weights_come_back_rounded_once(tmp_path):
    saved, loaded = filled(tiny_model()), tiny_model()
    save_model_weights(saved, tmp_path / WEIGHTS_FILE)
    load_model_weights(loaded, tmp_path / WEIGHTS_FILE)
    for ours, theirs in zip(loaded.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs.astype(np.float16))


@pytest.mark.parametrize("value", [1e5, np.nan])
def test_values_that_float16_cannot_hold_are_refused(tmp_path, value):
    model = tiny_model()
    model.get_layer("dense").bias.assign([0, value])
    with pytest.raises(WeightsError, match=r"dense/bias of .* float16 cannot.* 65504"):
        save_model_weights(model, tmp_path / WEIGHTS_FILE)
    assert not list(tmp_path.iterdir())


def test_a_missing_and_an_extra_variable_are_named(tmp_path):
    save_model_weights(tiny_model(name="other"), tmp_path / WEIGHTS_FILE)
    message = r"missing \['dense/bias', .*not expected \['other/bias', 'other/kernel'\]"
    with pytest.raises(WeightsError, match=message):
        load_model_weights(tiny_model(), tmp_path / WEIGHTS_FILE)


def test_a_variable_of_another_shape_is_refused_and_nothing_is_loaded(tmp_path):
    path = tmp_path / WEIGHTS_FILE
    safetensors.numpy.save_file(
        {
            "dense/kernel": np.ones((3, 2), np.float32),
            "dense/bias": np.ones(5, np.float32),
        },
        path,
    )
    model = filled(tiny_model())
    before = model.get_weights()
    with pytest.raises(WeightsError, match=r"dense/bias must have shape \(2,\), rec"):
        load_model_weights(model, path)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\xff" * 64])
def test_a_file_that_is_not_safetensors_is_refused(tmp_path, content):
    path = tmp_path / WEIGHTS_FILE
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="is not a safetensors file"):
        load_model_weights(tiny_model(), path)


def test_a_missing_weights_file_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"absent is not a safetensors file"):
        load_model_weights(tiny_model(), tmp_path / "absent")
