"""What the paper's two-stage detector is, in numbers; needs no network library."""

from dataclasses import dataclass
from typing import Final, Literal

from detector.backbones.table import check_backbone
from detector.features import FeatureSpec, halved
from detector.ssd_config import scaled_channels
from vod.errors import ConfigError

SHARED_HALVINGS: Final = 4  # the shared map lies on the stride-16 grid
DEEP_HALVINGS: Final = 5
MOBILENET_STRIDE_16_CHANNELS: Final = 512
MOBILENET_STRIDE_32_CHANNELS: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoStageOptions:
    """What is the two-stage head's own, whatever it stands on; the paper's numbers.

    Source: Zhu et al., Towards High Performance Video Object Detection for Mobiles,
    sec. 3.3; what it leaves open after the released configurations of Deep Feature Flow
    (`resnet_v1_101_flownet_imagenet_vid_rfcn_end2end_ohem.yaml`).

    Attributes:
        shared_channels: of the map that aggregation works on, at width 1.
        rpn_channels: of the RPN's intermediate map, at width 1.
        rpn_kernel: side of the convolution that makes it. The text does not say; 1 fits
            the paper's tables, 3 is Faster R-CNN's (`docs/paper_complexity.md`).
        anchor_sides: square roots of the anchors' areas, input pixels.
        anchor_ratios: width / height.
        grid: bins of a region, along each side.
        groups: channels a bin; the position-sensitive map has grid * grid * groups.
        samples: bilinear samples along each side of a bin, averaged.
        candidates: best anchors that the RPN's suppression sees.
        proposals: regions that go to the second stage; fewer are padded and masked.
        rpn_nms_iou: overlap from which the RPN drops the worse of two boxes.
        nms_rounds: see `detector.suppression.survivors`; anchors at random need 5,
            heaps of boxes around few objects 8.
        least_side: input pixels; a smaller proposal is masked.
    """

    shared_channels: int = 128
    rpn_channels: int = 256
    rpn_kernel: int = 1
    anchor_sides: tuple[float, ...] = (32.0, 64.0, 128.0, 256.0)
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    grid: int = 7
    groups: int = 10
    samples: int = 2
    candidates: int = 1000
    proposals: int = 300
    rpn_nms_iou: float = 0.7
    nms_rounds: int = 16
    least_side: float = 1.0

    def __post_init__(self) -> None:
        counts = (
            "shared_channels",
            "rpn_channels",
            "grid",
            "groups",
            "samples",
            "candidates",
            "proposals",
            "nms_rounds",
        )
        for name in counts:
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"{name} must be at least 1, received {getattr(self, name)}."
                )
        if self.rpn_kernel not in (1, 3):
            raise ConfigError(f"rpn_kernel must be 1 or 3, received {self.rpn_kernel}.")
        for name in ("anchor_sides", "anchor_ratios"):
            if not getattr(self, name) or min(getattr(self, name)) <= 0:
                raise ConfigError(
                    f"{name} must hold at least one value, all greater than 0, "
                    f"received {getattr(self, name)}."
                )
        if not 0 < self.rpn_nms_iou <= 1:
            raise ConfigError(
                f"rpn_nms_iou must lie in (0, 1], received {self.rpn_nms_iou}."
            )
        if self.least_side < 0:
            raise ConfigError(
                f"least_side must be at least 0 pixels, received {self.least_side}."
            )

    @property
    def anchors_per_cell(self) -> int:
        """Anchors of one cell; the paper's 4 sides times 3 ratios."""
        return len(self.anchor_sides) * len(self.anchor_ratios)


@dataclass(frozen=True, slots=True)
class TwoStageConfig(TwoStageOptions):
    """A backbone with a small feature pyramid, an RPN and a light R-CNN head.

    Attributes:
        input_height: rows of the input picture.
        input_width: columns of the input picture; 400 is 16:9 at a shorter side of 224.
        width: the paper's alpha; multiplies every layer's channels but the predictors'
            and the position-sensitive map's.
        class_count: classes, without background.
        normalization: of the backbone: `"batch"`, or `"none"` where it is folded.
        backbone: name in `detector.backbones.table`; the paper's is MobileNet V1.
    """

    input_height: int = 224
    input_width: int = 400
    width: float = 1.0
    class_count: int = 30
    normalization: Literal["batch", "none"] = "batch"
    backbone: str = "mobilenet_v1"

    def __post_init__(self) -> None:
        TwoStageOptions.__post_init__(self)  # super() finds no class with slots
        check_backbone(self.backbone, self.width, self.normalization)
        if self.class_count < 1:
            raise ConfigError(
                f"class_count must be at least 1, received {self.class_count}."
            )
        if self.input_height < 32 or self.input_width < 32:
            raise ConfigError(
                "input_height and input_width must be at least 32, the stride of the "
                f"deepest map, received {self.input_height} and {self.input_width}."
            )


def shared_spec(config: TwoStageConfig) -> FeatureSpec:
    """Describe the shared map: what the feature network gives and the GRU keeps."""
    return _spec(
        config, "shared", scaled_channels(config.shared_channels, config.width)
    )


def map_specs(config: TwoStageConfig) -> tuple[FeatureSpec, ...]:
    """Describe the two maps that propagation carries to the frames between keys."""
    return (
        _spec(config, "rpn", scaled_channels(config.rpn_channels, config.width)),
        _spec(config, "regions", config.grid * config.grid * config.groups),
    )


def _spec(config: TwoStageConfig, name: str, channels: int) -> FeatureSpec:
    width = halved(config.input_width, SHARED_HALVINGS)
    return FeatureSpec(
        name=name,
        height=halved(config.input_height, SHARED_HALVINGS),
        width=width,
        channels=channels,
        stride=config.input_width / width,
    )
