"""Losses of every head, inside the graph and the same on every Keras backend.

`head_losses(config)` is to training what `detector.network.build_halves(config)[1]` is
to inference: it stands on the same maps and owns the same variables.
"""

from collections.abc import Callable, Mapping
from typing import Final

import keras

from detector.fcos_losses import fcos_losses
from detector.network_config import DetectorConfig, ssd_config
from detector.ssd_losses import ssd_losses
from vod.errors import ConfigError

LossBuilder = Callable[[DetectorConfig], keras.Model]

HEAD_LOSSES: Final[Mapping[str, LossBuilder]] = {
    "ssd": lambda config: ssd_losses(ssd_config(config)),
    "fcos": fcos_losses,
    # The two-stage head joins here, by `two_stage_config(config)`.
}
"""By the names that `DetectorConfig.head` takes."""


def head_losses(config: DetectorConfig) -> keras.Model:
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
    and `boxes`, and `centreness` of `fcos`.

    Its variables have the paths and shapes of the inference head's, and there are no
    others: `detector.network.copy_weights([features, losses], join(features, head))`
    turns what was trained into what is saved, exported and run.

    Raises:
        ConfigError: there are no losses of this head.
    """
    if config.head not in HEAD_LOSSES:
        raise ConfigError(
            f"there are no losses of the head '{config.head}', only of "
            f"{', '.join(HEAD_LOSSES)}."
        )
    return HEAD_LOSSES[config.head](config)
