import shutil

import numpy as np

from detector.export import main
from detector.registry import load_detector
from vod.weights import read_record

NAME = "ssd_mobilenet_v1"


def test_exporting_at_the_other_seam_gives_the_same_boxes(
    tiny_weights, tmp_path, capsys
):
    folder = shutil.copytree(tiny_weights, tmp_path / "weights")
    assert main([str(folder), "--seam", "backbone"]) == 0
    assert "features: features.tflite" in capsys.readouterr().out
    record = read_record(folder)
    assert record.config["seam"] == "backbone"
    assert record.graphs["head"].inputs == ("stride_16", "stride_32")
    assert record.graphs["head"].outputs == ("boxes", "scores")
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    first = load_detector(NAME, weights=tiny_weights)
    second = load_detector(NAME, weights=folder)
    for ours, theirs in zip(
        first.head(*first.features(image)),
        second.head(*second.features(image)),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_a_folder_without_weights_is_one_sentence(tmp_path, caplog):
    assert main([str(tmp_path)]) == 1
    assert "no weights in" in caplog.text
