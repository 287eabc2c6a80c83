import pytest

from propagate.refine.config import RefineChoice, RefinerConfig
from vod.errors import ConfigError


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"side": 60}, "multiple of 16"),
        ({"context": 0.5}, "context"),
        ({"blocks": 5}, "blocks"),
        ({"hidden": 0}, "1 or more"),
    ],
)
def test_a_network_that_cannot_be_is_refused(changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        RefinerConfig(**changes)


@pytest.mark.parametrize("changes", [{"every": -1}, {"most": 0}, {"least_doubt": -1}])
def test_a_choice_that_cannot_be_is_refused(changes):
    with pytest.raises(ConfigError, match="or more"):
        RefineChoice(**changes)
