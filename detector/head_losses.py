"""Losses of every head, inside the graph and the same on every Keras backend.

`head_losses(config)` is to training what `detector.network.build_halves(config)[1]` is
to inference: it stands on the same maps and owns the same variables.
"""

from collections.abc import Callable, Mapping
from typing import Final

import keras

from detector.fcos_losses import fcos_losses
from detector.network_config import DetectorConfig, ssd_config, two_stage_config
from detector.ssd_losses import ssd_losses
from detector.two_stage_loss_config import TwoStageLossConfig
from detector.two_stage_losses import two_stage_losses

LossBuilder = Callable[[DetectorConfig, TwoStageLossConfig], keras.Model]

HEAD_LOSSES: Final[Mapping[str, LossBuilder]] = {
    "ssd": lambda config, _: ssd_losses(ssd_config(config)),
    "two_stage": lambda config, loss: two_stage_losses(two_stage_config(config), loss),
    "fcos": lambda config, _: fcos_losses(config),
}
"""By the names that `DetectorConfig.head` takes."""


def head_losses(
    config: DetectorConfig, loss: TwoStageLossConfig | None = None
) -> keras.Model:
    """Build the second half of a detector as losses instead of boxes and scores.

    A training step is `head_losses(config)([*features(image), boxes, labels])`; with
    something between the halves (a warp, aggregation), the same on its maps.

    Inputs, in this order:
        the maps, as `detector.network_config.map_specs(config)` describes them;
        `boxes` `(B, G, 4)` float32, x1, y1, x2, y2 in detector-input pixels;
        `labels` `(B, G)` int32, 0-based; -1 is padding. G is at least 1 and may change
        from step to step. A box without area is treated as padding.

    Outputs a dict, name to `(B,)` float32, one loss a picture. Sums over a picture are
    divided by the batch's mean number of positives (at least 1), so that the mean over
    the batch is a sum over its positives divided by their number. The names: `classes`
    and `boxes`, and `centreness` of `fcos`; `two_stage` has four and means of its own,
    see `detector.two_stage_losses`.

    Its variables have the paths and shapes of the inference head's, and there are no
    others: `detector.network.copy_weights([features, losses], join(features, head))`
    turns what was trained into what is saved, exported and run.

    Args:
        config: of the detector.
        loss: matching and sampling of `two_stage`; the others have none of it.
    """
    return HEAD_LOSSES[config.head](config, loss or TwoStageLossConfig())


def loss_weights(config: DetectorConfig, loss: TwoStageLossConfig) -> dict[str, float]:
    """Give the weight of every loss of a detector's head in their sum, by name."""
    if config.head == "two_stage":
        return loss.weights
    weights = {"classes": loss.class_weight, "boxes": loss.box_weight}
    return weights | ({"centreness": 1.0} if config.head == "fcos" else {})
