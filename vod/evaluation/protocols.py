"""The protocols that VID results are published under, as one table."""

from dataclasses import dataclass
from typing import Final

from vod.errors import ConfigError
from vod.evaluation.matching import MatchRule


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a published figure comes about.

    Attributes:
        rule: which detection takes which object.
        interpolation: how a ranking becomes AP, a name in `INTERPOLATIONS`.
        summary: one line for people.
    """

    rule: MatchRule
    interpolation: str
    summary: str


PROTOCOLS: Final[dict[str, Protocol]] = {
    "devkit": Protocol(
        MatchRule(tolerance=10),
        "area",
        "ILSVRC2015 VID devkit: IoU 0.5, less for small objects; next free object",
    ),
    "fixed50": Protocol(
        MatchRule(), "area", "the devkit's with IoU 0.5 for small objects too"
    ),
    "coco": Protocol(
        MatchRule(pixel=0, last_of_equals=True, max_detections=100),
        "hundred-one",
        "pycocotools: no last pixel, 101 recall points; mAP is its AP50",
    ),
    "voc07": Protocol(
        MatchRule(next_free=False, keeps_inverted=False),
        "eleven",
        "PASCAL VOC 2007: best object only, 11 recall points",
    ),
    "voc12": Protocol(
        MatchRule(next_free=False, keeps_inverted=False),
        "area",
        "PASCAL VOC 2010 to 2012: best object only, area under the envelope",
    ),
}
"""By name. The rule and interpolation of `coco` are those of its AP50; `evaluate` asks
pycocotools itself."""

DEFAULT_PROTOCOL: Final = "devkit"


def protocol_named(name: str) -> Protocol:
    """Give the protocol of a name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PROTOCOLS:
        raise ConfigError(
            f"'{name}' is no protocol; choose one of {', '.join(PROTOCOLS)}."
        )
    return PROTOCOLS[name]
