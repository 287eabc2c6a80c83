import pytest

from propagate.config import load_pipeline_config
from propagate.speed.child import alone, start_up
from propagate.speed.clip import Clip
from propagate.speed.memory import tells_memory
from propagate.speed.work import Work
from tests.builders import write_clip
from vod.errors import ConfigError

CONFIG = load_pipeline_config()


@pytest.mark.skipif(not tells_memory(), reason="needs /proc/self/status")
def test_work_done_alone_tells_its_peak_memory(tmp_path):
    clip = Clip(str(write_clip(tmp_path / "clip.mp4", count=5)))
    figures = alone(Work("causal", CONFIG), clip)
    assert figures["frames"] == 5
    assert 30 < figures["peak_mib"] < 1000


def test_what_fails_there_is_told_here(tmp_path):
    clip = Clip(str(tmp_path / "none.mp4"))
    with pytest.raises(ConfigError, match=r"'decode, to RGB' failed .* cannot find"):
        alone(Work("decode-rgb", CONFIG), clip)


def test_a_start_is_timed_as_often_as_asked_for(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", count=5)
    found = start_up(str(clip), CONFIG, repeats=1)
    assert len(found["seconds"]) == 1
    assert found["median_s"] == pytest.approx(found["seconds"][0], abs=1e-3)


def test_a_start_that_fails_is_told(tmp_path):
    with pytest.raises(ConfigError, match="a run of one frame failed: cannot find"):
        start_up(str(tmp_path / "none.mp4"), CONFIG, repeats=1)
