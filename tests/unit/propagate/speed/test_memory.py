import numpy as np
import pytest

from propagate.speed import memory
from propagate.speed.memory import peak_mib, resident_mib
from vod.errors import ConfigError


@pytest.mark.skipif(not memory.tells_memory(), reason="needs /proc/self/status")
def test_memory_that_was_given_back_counts_for_the_peak_alone():
    before = resident_mib()
    held = np.ones(64 * 2**20 // 8)
    assert resident_mib() > before + 60
    del held
    assert resident_mib() < before + 10
    assert peak_mib() > before + 60


def test_a_system_that_does_not_tell_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "status")
    with pytest.raises(ConfigError, match="measure it on Linux"):
        peak_mib()
