"""Graphs at the end of a training, where the backend can write them."""

import logging
from collections.abc import Callable
from pathlib import Path

import keras

logger = logging.getLogger(__name__)


def export_trained(
    folder: Path, export: Callable[[Path], object], *, module: str
) -> None:
    """Write the graphs of a weights folder that `run_video.py` runs, or say how.

    Args:
        folder: what was trained.
        export: writes them, by TensorFlow.
        module: its command, for a training on another backend.
    """
    if keras.backend.backend() != "tensorflow":
        logger.info("python -m %s %s writes graphs, by TensorFlow.", module, folder)
        return
    export(folder)
    logger.info("wrote graphs: python run_video.py CLIP --detector %s", folder)
