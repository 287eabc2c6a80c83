"""What the two-stage detector's losses are, in numbers; needs no network library."""

from dataclasses import dataclass
from typing import Final, Literal

from vod.errors import ConfigError

_SHARES: Final = (
    "rpn_positive_iou",
    "rpn_negative_iou",
    "rpn_positive_share",
    "region_iou",
    "region_positive_share",
)
_COUNTS: Final = ("objects", "rpn_samples", "region_samples", "candidates", "proposals")


@dataclass(frozen=True, slots=True)
class TwoStageLossConfig:
    """Matching, sampling and weights of both stages.

    The paper states none of these numbers. Defaults are those of the configurations
    that its group released (`resnet_v1_101_flownet_imagenet_vid_rfcn_end2end_ohem.yaml`
    and `config.py` of Deep Feature Flow), where nothing else is said.

    Attributes:
        objects: rows for the objects of a picture; fewer are padded.
        rpn_positive_iou: an anchor that overlaps an object by this is one, beside the
            best of every object.
        rpn_negative_iou: one that overlaps none by this is nothing.
        rpn_samples: anchors of a picture that the RPN learns from.
        rpn_positive_share: of them, objects at most.
        rpn_sigma: of the smooth L1 loss of the RPN's boxes.
        rpn_border: input pixels that an anchor may stick out of the picture to be
            learnt from; null for any. Released: 0 for pictures of 600 rows; of 224
            rows, no anchor of 256 x 256 lies inside.
        candidates: of the RPN in training; null: as the detector's.
        proposals: regions in training; null: as the detector's.
        append_truth: let the objects themselves be regions too.
        region_iou: a region that overlaps an object by this is of its class, another
            one is background.
        choice: `"ohem"` learns from the regions with the greatest losses, `"sample"`
            from random ones.
        region_samples: regions of a picture that the second stage learns from.
        region_positive_share: of them, objects at most; for `"sample"`.
        region_sigma: of the smooth L1 loss of the regions' boxes, whose codes are in
            units of .1 and .2 of a region's sides (`BBOX_STDS`; see `box_coding`).
        rpn_class_weight: of the RPN's classes in the sum.
        rpn_box_weight: of the RPN's boxes.
        class_weight: of the regions' classes.
        box_weight: of the regions' boxes.
    """

    objects: int = 32
    rpn_positive_iou: float = 0.7
    rpn_negative_iou: float = 0.3
    rpn_samples: int = 256
    rpn_positive_share: float = 0.5
    rpn_sigma: float = 3.0
    rpn_border: float | None = None
    candidates: int | None = None
    proposals: int | None = None
    append_truth: bool = True
    region_iou: float = 0.5
    choice: Literal["ohem", "sample"] = "ohem"
    region_samples: int = 128
    region_positive_share: float = 0.25
    region_sigma: float = 1.0
    rpn_class_weight: float = 1.0
    rpn_box_weight: float = 1.0
    class_weight: float = 1.0
    box_weight: float = 1.0

    def __post_init__(self) -> None:
        for name in _SHARES:
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(
                    f"{name} must lie in (0, 1], received {getattr(self, name)}."
                )
        if self.rpn_negative_iou > self.rpn_positive_iou:
            raise ConfigError(
                f"rpn_negative_iou must be at most rpn_positive_iou, received "
                f"{self.rpn_negative_iou} and {self.rpn_positive_iou}."
            )
        for name in _COUNTS:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1, received {value}.")
        if min(self.rpn_sigma, self.region_sigma) <= 0:
            raise ConfigError("rpn_sigma and region_sigma must be greater than 0.")
        if min(self.weights.values()) < 0:
            raise ConfigError("the weights of the losses must not be negative.")

    @property
    def weights(self) -> dict[str, float]:
        """Weight of every loss, by its name."""
        return {
            "rpn_class": self.rpn_class_weight,
            "rpn_box": self.rpn_box_weight,
            "region_class": self.class_weight,
            "region_box": self.box_weight,
        }
