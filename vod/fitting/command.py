"""What the commands that train share: options, and how their process is set up."""

import argparse
import logging
from pathlib import Path

import cv2


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add where a run is written, what it changes in its config, and its resuming."""
    add = parser.add_argument
    add("--out", type=Path, required=True)
    add("--set", action="append", default=[], metavar="KEY=VALUE")
    add("--resume", action="store_true", help="go on with the interrupted run in --out")


def set_up_process() -> None:
    """Log with the time of day, and keep OpenCV to one thread."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    cv2.setNumThreads(1)  # threads inside small pictures only take time from training
