import cv2
import numpy as np
import pytest

from detector.export_int8 import FLOAT_LAYERS, main
from detector.models import load_models
from detector.registry import load_detector
from tests.tiny_weights import write_tiny_weights
from vod.errors import WeightsError
from vod.quantise import relative_error
from vod.weights import read_record

NAME = "ssd_mobilenet_v1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from detector.export import export_detector

    folder = write_tiny_weights(tmp_path_factory.mktemp("weights"))
    export_detector(folder)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for index in range(12):
        coarse = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), cv2.resize(coarse, (96, 80)))
    return folder


def test_an_int8_graph_is_written_listed_and_kept(folder, pictures, capsys):
    from detector.export import export_detector

    with pytest.raises(WeightsError, match=r"'features_int8'.*detector\.export_int8"):
        load_detector(NAME, weights=folder, precision="int8")
    assert main([str(folder), "--calibrate", str(pictures)]) == 0
    assert "calibrated on 12 pictures" in capsys.readouterr().out
    export_detector(folder)  # the same weights: the int8 graph is still right
    record = read_record(folder)
    assert set(record.graphs) == {"features", "head", "features_int8"}
    picture = cv2.imread(str(pictures / "0.png"))
    exact = load_detector(NAME, weights=folder)
    int8 = load_detector(NAME, weights=folder, precision="int8")
    for ours, expected in zip(
        int8.features(int8.preprocessing(picture)),
        exact.features(exact.preprocessing(picture)),
        strict=True,
    ):
        assert relative_error(ours, expected) < 0.25


def test_every_layer_that_stays_float_is_in_the_network(folder):
    names = {layer.name for layer in load_models(folder).features.layers}
    assert set(FLOAT_LAYERS) <= names
    assert "Conv2d_8_depthwise" in names - set(FLOAT_LAYERS)


def test_a_missing_picture_is_one_sentence(folder, tmp_path, caplog):
    assert main([str(folder), "--calibrate", str(tmp_path)]) == 1
    assert "holds no images" in caplog.text
