"""A run's folder."""

from dataclasses import dataclass, field

import pytest

from vod.errors import ConfigError
from vod.fitting.resuming import open_run


@dataclass(frozen=True)
class Step:
    rate: float = 0.1
    kind: str = "sgd"


@dataclass(frozen=True)
class Run:
    sides: tuple[int, ...] = (1, 2)
    step: Step = field(default_factory=Step)


def test_a_resumed_run_must_keep_what_shapes_its_state(tmp_path):
    lasting = ("sides", "step.kind")
    open_run(tmp_path, Run(), lasting=lasting, resume=False)
    open_run(tmp_path, Run(step=Step(rate=0.2)), lasting=lasting, resume=True)
    with pytest.raises(ConfigError, match=r"cannot change step.kind: .* has sgd, the"):
        open_run(tmp_path, Run(step=Step(kind="adam")), lasting=lasting, resume=True)
    with pytest.raises(ConfigError, match="cannot change sides"):
        open_run(tmp_path, Run(sides=(1,)), lasting=lasting, resume=True)


def test_an_interrupted_run_is_not_overwritten(tmp_path):
    (tmp_path / "backup").mkdir()
    with pytest.raises(ConfigError, match="Continue it with --resume"):
        open_run(tmp_path, Run(), lasting=(), resume=False)
