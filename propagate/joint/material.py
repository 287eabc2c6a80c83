"""What a run of joint training draws its pairs from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flow.synthetic.textures import TextureBank
from flow.train.data import SyntheticBatches
from propagate.joint.batches import PairSource
from propagate.joint.config import JointTrainConfig
from propagate.joint.pairs import RealPairs
from propagate.pseudo.examples import PseudoPairs
from propagate.refine.stills import Still
from propagate.train_data import Clip
from vod.errors import ConfigError


@dataclass(frozen=True, eq=False, slots=True)
class Material:
    """All that is learnt from, and measured on.

    Attributes:
        clips: real pairs are drawn from these.
        held_out: agreement is measured on these after every epoch; may be empty.
        bank: photographs for generated pairs; None where there are none of these.
        stills: pictures with boxes for pairs set in motion.
        labelled: annotated videos.
    """

    clips: Sequence[Clip]
    held_out: Sequence[Clip] = ()
    bank: TextureBank | None = None
    stills: Sequence[Still] = ()
    labelled: Sequence[Clip] = ()

    def sources(
        self, config: JointTrainConfig, *, size: int, cells: int
    ) -> list[tuple[PairSource, int]]:
        """Give what draws pairs with boxes, and how many of each are in a batch.

        Args:
            config: of the run.
            size: side of the pictures given.
            cells: side of the flow given.

        Raises:
            ConfigError: there is nothing to draw a wanted kind from.
        """
        real = RealPairs(self.clips, config.pairs, size=size, cells=cells)
        sources: list[tuple[PairSource, int]] = [(real, config.real)]
        if config.labelled:
            if not self.labelled:
                raise ConfigError("labelled pairs need --labelled, or set labelled=0.")
            pairs = replace(
                config.pairs, distances=tuple(range(1, config.interval + 1))
            )
            # Of so many pairs, hardly any is drawn twice.
            annotated = RealPairs(
                self.labelled, pairs, size=size, cells=cells, keeps_flows=False
            )
            sources.append((annotated, config.labelled))
        if config.pseudo:
            moved = PseudoPairs(
                self.stills, config.pseudo_video, config.pairs, size=size, cells=cells
            )
            sources.append((moved, config.pseudo))
        real.teach()  # which takes a while
        return sources

    def generated(self, config: JointTrainConfig, size: int) -> SyntheticBatches | None:
        """Give what draws pairs without boxes; None where none are wanted.

        Raises:
            ConfigError: there is no photograph.
        """
        if not config.generated:
            return None
        if self.bank is None:
            raise ConfigError("generated pairs need photographs, or set generated=0.")
        return SyntheticBatches(
            self.bank,
            config.synthetic,
            ((size, size, config.generated),),
            steps=1,
            seed=config.seed,
            reuse=4,
        )
