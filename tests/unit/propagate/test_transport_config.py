"""Settings of how boxes are carried."""

import pytest

from propagate.transport_config import TransportConfig
from vod.errors import ConfigError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 1}, "2 samples and 1 iteration or more"),
        ({"iterations": 0}, "2 samples and 1 iteration or more"),
        ({"core": 0}, r"core must lie in \(0, 1\], received 0"),
        ({"core": 1.1}, r"core must lie in \(0, 1\], received 1.1"),
        ({"least_side": -1}, "must be positive"),
        ({"stiffness": -0.1}, "must be positive"),
        ({"resistance": 0}, "must be positive"),
    ],
)
def test_settings_without_sense_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        TransportConfig(**changes)
