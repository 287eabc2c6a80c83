"""The folder of a run: begun once, and continued only by a run that fits it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from vod.config import to_mapping
from vod.errors import ConfigError
from vod.training import refuse_interrupted

CONFIG_FILE: Final = "config.json"


def open_run(out: Path, config: Any, *, lasting: Sequence[str], resume: bool) -> None:
    """Make a run's folder and note its config there.

    Args:
        out: the folder.
        config: a config dataclass.
        lasting: dotted keys that a resumed run must share with the interrupted one,
            because they shape its state. Others may change.
        resume: an interrupted run is continued.

    Raises:
        ConfigError: another run was interrupted there, or a lasting key has changed.
    """
    path = out / CONFIG_FILE
    now = to_mapping(config)
    if not resume:
        refuse_interrupted(out)
    elif path.exists():
        _check_lasting(json.loads(path.read_text(encoding="utf-8")), now, lasting, out)
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")


def _check_lasting(
    before: dict[str, Any], now: dict[str, Any], lasting: Sequence[str], out: Path
) -> None:
    # As stored: JSON knows no tuples.
    now = json.loads(json.dumps(now))
    for key in lasting:
        old, new = _look_up(before, key), _look_up(now, key)
        if old != new:
            raise ConfigError(
                f"--resume cannot change {key}: the interrupted run in {out} has "
                f"{old}, the config {new}. Start from its weights with --init and "
                "another --out."
            )


def _look_up(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values
