"""Choosing among a detector's classes by name."""

from collections.abc import Sequence

import numpy as np

from vod.config import nearest
from vod.errors import ConfigError
from vod.types import IntArray


def select_labels(wanted: str, class_names: Sequence[str]) -> IntArray:
    """Turn `person,dog` into labels.

    Raises:
        ConfigError: unknown class, with the nearest known one.
    """
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    for name in names:
        if name not in class_names:
            raise ConfigError(f"unknown class '{name}'.{nearest(name, class_names)}")
    if not names:
        raise ConfigError("--classes needs at least one class name, e.g. person,dog.")
    return np.array([class_names.index(name) for name in names], np.int32)
