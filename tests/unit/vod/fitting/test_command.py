import argparse
import logging
import re
from pathlib import Path

import cv2
import pytest

from vod.fitting.command import add_run_options, set_up_process


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    add_run_options(parser)
    return parser


def test_a_run_needs_a_folder_and_changes_nothing_unasked(parser):
    args = vars(parser.parse_args(["--out", "here"]))
    assert args == {"out": Path("here"), "set": [], "resume": False}


def test_settings_are_kept_in_order(parser):
    args = parser.parse_args(["--set", "a=1", "--resume", "--set", "b=2", "--out", "x"])
    assert args.set == ["a=1", "b=2"]
    assert args.resume


def test_a_run_without_a_folder_is_wrong_usage(parser, capsys):
    with pytest.raises(SystemExit) as caught:
        parser.parse_args([])
    assert caught.value.code == 2
    assert "required: --out" in capsys.readouterr().err


def test_the_log_has_the_time_and_opencv_one_thread(monkeypatch, capsys):
    root, before = logging.getLogger(), cv2.getNumThreads()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", logging.WARNING)
    try:
        set_up_process()
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)
    logging.getLogger(__name__).info("step %d", 3)
    assert re.fullmatch(
        r"\d{4}-.* \d\d:\d\d:\d\d,\d{3} step 3\n", capsys.readouterr().err
    )
