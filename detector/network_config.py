"""Any backbone with any head in one config; needs no network library."""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final, Literal, TypeVar, get_args

import detector.ssd_config
import detector.two_stage_config
from detector.backbones.table import BACKBONES, Normalization, check_backbone
from detector.fcos_config import FcosOptions, pyramid_specs
from detector.features import FeatureSpec
from detector.ssd_config import SsdConfig, SsdOptions
from detector.two_stage_config import TwoStageConfig, TwoStageOptions
from vod.errors import ConfigError

HeadName = Literal["ssd", "two_stage", "fcos"]
HEADS: Final[tuple[HeadName, ...]] = get_args(HeadName)

Options = TypeVar("Options", SsdOptions, TwoStageOptions)

LEAST_SIDE: Final = 32  # one cell of the backbone's coarsest map


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """A detector: which backbone, which head, how large and for how many classes.

    Only the group of the chosen head counts.

    Attributes:
        head: `"ssd"`, `"two_stage"` (the paper's) or `"fcos"` (anchor-free).
        backbone: name in `detector.backbones.table`.
        width: multiplier of the channels of backbone and head.
        normalization: `"batch"`, or `"none"` for convolutions with bias, which only
            backbones of our own can be built with.
        input_height: rows of the input picture.
        input_width: columns of the input picture.
        class_count: classes, without background.
        ssd: the SSD head's own numbers.
        two_stage: the two-stage head's own numbers.
        fcos: the FCOS head's own numbers.
    """

    head: HeadName = "two_stage"
    backbone: str = "mobilenet_v1"
    width: float = 1.0
    normalization: Normalization = "batch"
    input_height: int = 224
    input_width: int = 400
    class_count: int = 30
    ssd: SsdOptions = field(default_factory=SsdOptions)
    two_stage: TwoStageOptions = field(default_factory=TwoStageOptions)
    fcos: FcosOptions = field(default_factory=FcosOptions)

    def __post_init__(self) -> None:
        check_backbone(self.backbone, self.width, self.normalization)
        if self.class_count < 1:
            raise ConfigError(
                f"class_count must be at least 1, received {self.class_count}."
            )
        if self.input_height < LEAST_SIDE or self.input_width < LEAST_SIDE:
            raise ConfigError(
                f"input_height and input_width must be at least {LEAST_SIDE}, received "
                f"{self.input_height} and {self.input_width}."
            )
        if self.head == "ssd":
            ssd_config(self)  # whether its seam fits the backbone


def ssd_config(config: DetectorConfig) -> SsdConfig:
    """Give the SSD that a config describes, whatever its `head` says."""
    return SsdConfig(**_common(config), **asdict(config.ssd))


def two_stage_config(config: DetectorConfig) -> TwoStageConfig:
    """Give the two-stage detector that a config describes, whatever its `head` says."""
    return TwoStageConfig(**_common(config), **asdict(config.two_stage))


def whole_config(config: SsdConfig | TwoStageConfig) -> DetectorConfig:
    """Give the same detector as one of any backbone and head."""
    if isinstance(config, SsdConfig):
        return DetectorConfig(
            head="ssd", ssd=_own(SsdOptions, config), **_common(config)
        )
    return DetectorConfig(
        head="two_stage", two_stage=_own(TwoStageOptions, config), **_common(config)
    )


def map_specs(config: DetectorConfig) -> tuple[FeatureSpec, ...]:
    """Describe the maps that go from the first half to the second, in order."""
    if config.head == "ssd":
        return detector.ssd_config.map_specs(ssd_config(config))
    if config.head == "two_stage":
        return detector.two_stage_config.map_specs(two_stage_config(config))
    return pyramid_specs(
        config.fcos,
        input_height=config.input_height,
        input_width=config.input_width,
        width=config.width,
    )


def resized(config: DetectorConfig, height: int, width: int) -> DetectorConfig:
    """Give the same network for pictures of another size; the same weights fit it.

    See `detector.ssd_config.resized` for SSD's anchors; the other heads know sizes in
    pixels already.
    """
    options = config.ssd
    if config.head == "ssd":
        ssd = detector.ssd_config.resized(ssd_config(config), height, width)
        options = replace(options, trained_size=ssd.trained_size)
    return replace(config, input_height=height, input_width=width, ssd=options)


def runs_any_size(config: DetectorConfig) -> bool:
    """Say whether a graph of the first half is enough to run pictures of any size.

    It is where the maps are an SSD's raw predictions, which `detector.ssd_head` turns
    into boxes of any size, and where the backbone does not pad by the picture's size.
    """
    backbone = BACKBONES.get(config.backbone)
    is_raw = config.head == "ssd" and config.ssd.seam == "head"
    return is_raw and backbone is not None and backbone.any_size


def _own(options: type[Options], config: SsdConfig | TwoStageConfig) -> Options:
    return options(**{one.name: getattr(config, one.name) for one in fields(options)})


def _common(config: DetectorConfig | SsdConfig | TwoStageConfig) -> dict[str, Any]:
    names = (
        "backbone",
        "width",
        "normalization",
        "input_height",
        "input_width",
        "class_count",
    )
    return {name: getattr(config, name) for name in names}
