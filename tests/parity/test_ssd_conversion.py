"""The converted detector against the public quantised file in LiteRT's interpreter."""

import numpy as np
import pytest

from detector import convert_check
from detector.convert import convert, main, read_images
from detector.export import export_detector
from detector.quantised_file import QuantisedSsd, anchors_of
from detector.registry import load_detector
from detector.ssd_config import SsdConfig, ssd_anchors
from vod.errors import WeightsError
from vod.weights import read_record

FILE = "weights/ssd_mobilenet_v1_0.75_coco_quant_300.tflite"


@pytest.fixture(scope="module")
def source(vod_data):
    path = vod_data / FILE
    if not path.is_file():
        pytest.skip(f"no {FILE} in VOD_DATA")
    return path


@pytest.fixture(scope="module")
def images(vod_data):
    return read_images(vod_data / "davis", count=6)


@pytest.fixture(scope="module")
def converted(source, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("converted")
    return folder, convert(source, folder, images)


def test_raw_outputs_are_those_of_the_file_up_to_quantisation(converted):
    # measured on 12 frames: boxes mean 0.67 steps, logits 0.64, correlation 0.9992
    for agreement in converted[1].values():
        assert agreement.mean_steps < 1.0
        assert agreement.correlation > 0.998
        assert agreement.clamped_share < 1e-3


def test_the_eighty_classes_are_those_of_the_files_label_list(converted, vod_data):
    lines = (vod_data / "weights" / "labelmap.txt").read_text().split("\n")
    expected = [line for line in lines if line and line != "???"]
    assert list(read_record(converted[0]).classes) == expected
    assert len(expected) == 80


def test_generated_anchors_are_the_files_within_half_a_quantisation_step(source):
    file = QuantisedSsd(source)
    theirs = anchors_of(file, height=300, width=300)
    ours = ssd_anchors(SsdConfig())
    step = 0.006453060545027256 * 300  # pixels; the file rounds anchors to uint8
    assert np.abs(theirs - ours).max() <= step / 2


def test_the_files_best_boxes_are_found_with_the_same_class(converted, source, images):
    folder, _ = converted
    export_detector(folder)
    detector = load_detector("ssd_mobilenet_v1", weights=folder)
    file = QuantisedSsd(source)
    names = [name for name in file.labels if name != "???"]
    checked = 0
    for image in images:
        file.run(image)
        boxes = file.constant("TFLite_Detection_PostProcess")[0][:, [1, 0, 3, 2]] * 300
        classes = file.constant("TFLite_Detection_PostProcess:1")[0].astype(int)
        scores = file.constant("TFLite_Detection_PostProcess:2")[0]
        ours, our_scores = detector.head(
            *detector.features(detector.preprocessing(image))
        )
        for box, label, score in zip(boxes, classes, scores, strict=True):
            if score < 0.6:
                continue
            column = names.index(file.labels[label])
            # its anchors are rounded to 1.9 pixels, its codes to a few more
            near = np.abs(ours[0] - box).max(axis=1) < 4
            assert np.abs(our_scores[0][near, column] - score).min() < 0.1
            checked += 1
    assert checked >= 3


def test_noise_instead_of_the_files_weights_is_refused(
    source, images, tmp_path, monkeypatch
):
    from detector import convert as module

    real = module.read_variables

    def scrambled(file, config):
        values = real(file, config)
        rng = np.random.default_rng(0)
        rng.shuffle(values["Conv2d_13_pointwise/kernel"], axis=3)
        return values

    monkeypatch.setattr(module, "read_variables", scrambled)
    agreements = convert(source, tmp_path / "out", images[:2])
    assert not all(agreement.accepted for agreement in agreements.values())
    assert not (tmp_path / "out").exists()


def test_the_command_says_how_near_it_came(source, vod_data, tmp_path, capsys):
    arguments = ["ssd_mobilenet_v1", str(source), str(tmp_path / "out")]
    assert main([*arguments, "--images", str(vod_data / "davis")]) == 0
    written = capsys.readouterr().out
    assert "boxes: mean" in written
    assert "logits: mean" in written


def test_other_anchors_than_the_files_are_refused(source, monkeypatch):
    monkeypatch.setattr(convert_check, "ssd_anchors", lambda c: ssd_anchors(c) + 3)
    with pytest.raises(WeightsError, match="quantisation steps from those"):
        convert_check.check_anchors(QuantisedSsd(source), SsdConfig())
