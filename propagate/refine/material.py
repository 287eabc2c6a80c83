"""What a training of the box refiner draws its examples from."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from propagate.pseudo.examples import pseudo_clips
from propagate.refine.batches import Examples
from propagate.refine.stills import Still
from propagate.refine.subjects import Subject, subjects_of
from propagate.refine.train_config import RefinerTrainConfig
from propagate.train_data import Clip

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, slots=True)
class Material:
    """All that is learnt from.

    Attributes:
        clips: videos with the detector's boxes, or annotated.
        stills: pictures with objects.
    """

    clips: Sequence[Clip]
    stills: Sequence[Still]

    def __str__(self) -> str:
        return f"{len(self.clips)} clips and {len(self.stills)} pictures"

    def examples(self, config: RefinerTrainConfig) -> Examples:
        """Follow objects through clips and snippets, and give what draws them.

        Raises:
            ConfigError: there is nothing to draw a wanted share from.
        """
        subjects = _followed(self.clips, config)
        snippets: list[list[Subject]] = []
        if config.draw.pseudo > 0:
            snippets = _followed(
                pseudo_clips(
                    self.stills,
                    config.pseudo_video,
                    count=config.snippets,
                    seed=config.seed,
                ),
                config,
            )
        logger.info(
            "%d objects in %s, %d in %d snippets",
            sum(map(len, subjects)),
            self,
            sum(map(len, snippets)),
            len(snippets),
        )
        return Examples(
            subjects, self.stills, config.network, config.draw, snippets=snippets
        )


def _followed(clips: Sequence[Clip], config: RefinerTrainConfig) -> list[list[Subject]]:
    found = []
    for clip in clips:
        found.append(subjects_of(clip, config.follow, config.transport))
        logger.debug("%s: %d objects followed", clip.name, len(found[-1]))
    return found
