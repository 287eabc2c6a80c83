import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from propagate.bundle_cache import Wish, cached_bundle
from vod.errors import DependencyError, WeightsError


@pytest.fixture
def wish(tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("VOD_CACHE", str(tmp_path / "cache"))
    return Wish("ssd_mobilenet_v1", tiny_folder, None, None, None, (64, 96), "fp32")


@pytest.fixture
def runs(tiny_bundle, monkeypatch):
    """Stand in for the exporting process; gives the commands that were run."""
    commands = []

    def run(command, **_kwargs):
        commands.append(command)
        shutil.copytree(tiny_bundle, command[command.index("--out") + 1])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_a_size_is_made_once_and_told(wish, runs, capsys):
    first = cached_bundle(wish)
    told = capsys.readouterr().err
    assert "with TensorFlow, once" in told
    assert str(first.folder) in told
    second = cached_bundle(wish)
    assert (second.folder, capsys.readouterr().err) == (first.folder, "")
    assert len(runs) == 1
    command = " ".join(runs[0])
    assert "--format litert --precision fp32 --size 64x96" in command
    assert f"--set detector.weights={wish.detector_weights}" in command


def test_every_choice_has_a_folder_of_its_own(wish):
    others = [
        replace(wish, size=None),
        replace(wish, size=(96, 64)),
        replace(wish, precision="int8"),
        replace(wish, format="onnx"),
        replace(wish, flow="lightflow"),
        replace(wish, flow="lightflow", flow_share=0.25),
        replace(wish, detector_weights=None),
    ]
    assert len({one.folder() for one in [wish, *others]}) == 8


def test_a_damaged_bundle_is_made_again(wish, runs, capsys):
    folder = cached_bundle(wish).folder
    (folder / "head.tflite").write_bytes(b"x")
    assert cached_bundle(wish).folder == folder
    assert "made again" in capsys.readouterr().err
    assert len(runs) == 2


@pytest.mark.parametrize(
    ("stderr", "kind", "message"),
    [
        ("error: it differs.\n", WeightsError, "cannot be made here: it differs"),
        ("noise\nerror: pip install x\n", DependencyError, "pip install x"),
        ("Killed\n", WeightsError, r"could not be made \(Killed\).*-m propagate"),
        ("", WeightsError, r"could not be made \(no word\)"),
    ],
)
def test_why_it_cannot_be_made_is_one_sentence(
    stderr, kind, message, wish, monkeypatch
):
    def run(command, **_kwargs):
        return subprocess.CompletedProcess(command, 1, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(kind, match=message):
        cached_bundle(wish)
    assert not Path(wish.folder()).exists()
