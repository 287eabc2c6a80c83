from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from detector.convert import fill, main, read_images
from detector.convert_check import Agreement, class_columns
from vod.errors import ConfigError, WeightsError


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("a.png", "b.JPG"):
        cv2.imwrite(str(folder / name), np.full((20, 30, 3), (255, 0, 0), np.uint8))
    return folder


def run(file, pictures, out: Path, network="ssd_mobilenet_v1"):
    return main([network, str(file), str(out), "--images", str(pictures)])


def test_background_and_unused_labels_have_no_column():
    assert class_columns(["person", "???", "car"]).tolist() == [1, 3]


def test_a_missing_file_is_one_sentence(tmp_path, pictures, caplog):
    assert run(tmp_path / "no.tflite", pictures, tmp_path / "out") == 1
    assert "is not a file. Expected a .tflite graph." in caplog.text
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_graph_is_one_sentence(tmp_path, pictures, caplog):
    file = tmp_path / "noise.tflite"
    file.write_bytes(b"not a graph")
    assert run(file, pictures, tmp_path / "out") == 1
    assert "is not a runnable .tflite graph." in caplog.text


def test_another_networks_graph_is_one_sentence(
    tiny_weights, tmp_path, pictures, caplog
):
    assert run(tiny_weights / "head.tflite", pictures, tmp_path / "out") == 1
    assert "carries no labelmap.txt" in caplog.text


def test_an_unknown_network_is_one_sentence(tmp_path, pictures, caplog):
    assert run("x.tflite", pictures, tmp_path / "out", network="ssd_mobilenet_v2") == 1
    assert "Did you mean 'ssd_mobilenet_v1'?" in caplog.text


def test_pictures_are_read_as_rgb_of_the_networks_size(pictures):
    images = read_images(pictures, count=3)
    assert [image.shape for image in images] == [(300, 300, 3)] * 3
    assert images[0][0, 0, 2] > 250  # blue was written


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"holds no \.jpg or \.png picture"):
        read_images(tmp_path)


def test_a_broken_picture_is_named(pictures):
    (pictures / "c.png").write_bytes(b"no")
    with pytest.raises(ConfigError, match=r"c\.png cannot be read"):
        read_images(pictures, count=3)


def test_a_value_of_another_shape_is_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="d")])
    with pytest.raises(WeightsError, match=r"d/kernel must have shape \(2, 3\)"):
        fill(model, {"d/kernel": np.zeros((3, 2), np.float32)}, Path("f.tflite"))


def test_agreement_is_judged_by_mean_and_correlation():
    good = {"max_steps": 9.0, "clamped_share": 0.0}
    assert Agreement(mean_steps=0.6, correlation=0.999, **good).accepted
    assert not Agreement(mean_steps=2.0, correlation=0.999, **good).accepted
    assert not Agreement(mean_steps=0.6, correlation=0.9, **good).accepted
