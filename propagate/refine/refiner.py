"""The box refiner at inference: NumPy arrays in and out, TensorFlow not needed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from propagate.refine.config import RefineChoice, RefinerConfig
from propagate.refine.crops import apply_corrections, crop_boxes
from propagate.refine.doubt import doubt_of
from propagate.tracked import Tracked
from vod.assignment import Rows
from vod.config import from_mapping
from vod.engine import load_graph
from vod.errors import ConfigError, WeightsError
from vod.graph import Graph
from vod.types import ByteArray, Detections, FloatArray, IntArray
from vod.weights import WeightsRecord, read_record, verified_file

SHIPPED_WEIGHTS: Final = Path(__file__).parent.parent / "weights" / "box_refiner"

NETWORK: Final = "box_refiner"
TRUNK: Final = "trunk"
HEAD: Final = "refiner_head"


class Templates:
    """What objects look like on their key frame; each is seen when first needed.

    Attributes:
        rows: `(M,)` of the key frame's boxes, ascending; others are not refined.
    """

    __slots__ = ("_look", "_numbers", "_seen", "rows")

    def __init__(self, rows: IntArray, look: Callable[[Rows], FloatArray]) -> None:
        """Take the rows, and what looks at some of them.

        Args:
            rows: ascending.
            look: from `(K,)` places in `rows` to `(K, n, n, C)` features of the trunk.
        """
        self.rows, self._look = rows, look
        self._numbers = np.arange(len(rows))
        self._seen: dict[int, FloatArray] = {}

    def select(self, kept: Rows) -> "Templates":
        """Give those of `kept` rows, ascending, numbered by their place among them.

        What one of the two has seen, the other need not look at again.
        """
        there = np.isin(self.rows, kept)
        rows = np.searchsorted(kept, self.rows[there]).astype(np.int32)
        chosen = Templates(rows, self._look)
        chosen._numbers, chosen._seen = self._numbers[there], self._seen
        return chosen

    def features(self, places: Rows) -> FloatArray:
        """Give `(K, n, n, C)` of the trunk, by place in `rows`."""
        numbers = self._numbers[places]
        new = np.array([n for n in numbers.tolist() if n not in self._seen], np.intp)
        if len(new):
            self._seen.update(zip(new.tolist(), self._look(new), strict=True))
        return np.array([self._seen[number] for number in numbers.tolist()])


class BoxRefiner:
    """Corrects carried boxes with a look at the frame.

    Attributes:
        every: frames from a key frame to the first correction, and to each after it.
    """

    def __init__(
        self,
        config: RefinerConfig,
        *,
        trunk: Graph,
        head: Graph,
        choice: RefineChoice | None = None,
    ) -> None:
        """Take the network.

        Args:
            config: of the network.
            trunk: `(1, side, side, 3)` uint8 crop to `(1, n, n, C)` features.
            head: current and template features and `(1, 1)` log doubt to `(1, 9)`.
            choice: when boxes are corrected, and how many.
        """
        choice = choice or RefineChoice()
        self.every = choice.every
        self._config, self._choice = config, choice
        self._trunk, self._head = trunk, head

    def is_due(self, age: int, before: int) -> bool:
        """Say whether boxes of an age, in frames, are to be corrected.

        Args:
            age: of the boxes.
            before: their age when they were last looked at.
        """
        return self.every > 0 and age // self.every > before // self.every

    def since(self, age: int) -> int | None:
        """Give the frames since the last correction; None where there was none."""
        return self.every if age >= 2 * self.every else None

    def templates(
        self,
        picture: ByteArray,
        found: Tracked,
        *,
        frame_size: tuple[int, int],
        least_score: float = 0.0,
    ) -> Templates:
        """Get ready to look at what the detector has found on a key frame.

        Args:
            picture: `(H, W, 3)` uint8, the detector's.
            found: its boxes in pixels of the frame, best first.
            frame_size: height and width of the frame.
            least_score: boxes below are not refined.
        """
        sure = found.detections.scores >= least_score
        rows = np.flatnonzero(sure)[: self._choice.most].astype(np.int32)
        boxes = found.detections.boxes[rows] * _unit(picture, frame_size)
        return Templates(rows, lambda some: self._features(picture, boxes[some]))

    def refined(
        self,
        picture: ByteArray,
        carried: Tracked,
        templates: Templates,
        *,
        frame_size: tuple[int, int],
        since: int | None = None,
    ) -> Tracked:
        """Put carried boxes back onto their objects.

        Args:
            picture: `(H, W, 3)` uint8 of the current frame, the detector's.
            carried: all boxes of the key frame, in its order.
            templates: of that key frame.
            frame_size: height and width of the frame.
            since: frames since the last correction; None where there was none.

        Returns:
            The same rows; those without template as they were.
        """
        rows = templates.rows
        if not len(rows):
            return carried
        unit = _unit(picture, frame_size)
        boxes = carried.detections.boxes[rows] * unit
        sides = np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1), axis=1))
        ages = carried.ages[rows]
        # What happened before the last correction is forgiven, evenly.
        share = np.float32(1) if since is None else since / np.maximum(ages, since)
        shifts = carried.shifts[rows] * np.sqrt(unit[0] * unit[1]) * share
        confidences = np.power(carried.confidences[rows], share)
        doubts = doubt_of(np.rint(ages * share), shifts, confidences, sides)
        unsure = np.flatnonzero(doubts >= self._choice.least_doubt)
        if not len(unsure):
            return carried
        rows, boxes = rows[unsure], boxes[unsure]
        looks = templates.features(unsure)
        codes = self._corrections(picture, boxes, looks, np.log(doubts[unsure]))
        moved = carried.detections.boxes.copy()
        moved[rows] = apply_corrections(codes, boxes) / unit
        detections = carried.detections
        return replace(
            carried,
            detections=Detections(moved, detections.scores, detections.labels),
        )

    def _features(self, picture: ByteArray, boxes: FloatArray) -> FloatArray:
        crops = crop_boxes(
            picture, boxes, side=self._config.side, context=self._config.context
        )
        seen = [self._trunk(crop[None])[0][0].copy() for crop in crops]
        return np.array(seen, np.float32)

    def _corrections(
        self,
        picture: ByteArray,
        boxes: FloatArray,
        templates: FloatArray,
        log_doubts: FloatArray,
    ) -> FloatArray:
        current = self._features(picture, boxes)
        codes = [
            self._head(one[None], template[None], np.full((1, 1), doubt, np.float32))[
                0
            ][0, :4].copy()
            for one, template, doubt in zip(current, templates, log_doubts, strict=True)
        ]
        return np.array(codes, np.float32)


def _unit(picture: ByteArray, frame_size: tuple[int, int]) -> FloatArray:
    """Give what turns boxes of the frame into boxes of the picture, `(4,)`."""
    height, width = picture.shape[:2]
    across, along = width / frame_size[1], height / frame_size[0]
    return np.array([across, along, across, along], np.float32)


def load_box_refiner(choice: RefineChoice | None = None) -> BoxRefiner:
    """Load a refiner from its exported graphs, which LiteRT runs.

    On one thread: pictures are so small that with a second a look takes a third more
    CPU time, which decoding needs.

    Args:
        choice: its weights, and when boxes are corrected.

    Raises:
        WeightsError: a file is missing, altered or of another network.
    """
    choice = choice or RefineChoice()
    folder = weights_folder(choice)
    record = read_record(folder, network=NETWORK)
    config = _checked(record, folder)
    graphs: dict[str, Graph] = {}
    for role in (TRUNK, HEAD):
        if role not in record.graphs:
            raise WeightsError(
                f"{folder} has no exported graph '{role}'. Run: python -m "
                f"propagate.refine.export {folder}"
            )
        path = verified_file(folder, record.graphs[role].file, record)
        graphs[role] = load_graph(path, threads=1)
    return BoxRefiner(config, trunk=graphs[TRUNK], head=graphs[HEAD], choice=choice)


def weights_folder(choice: RefineChoice) -> Path:
    """Give the folder of the weights that are chosen."""
    return choice.weights if choice.weights is not None else SHIPPED_WEIGHTS


def config_of(folder: Path) -> RefinerConfig:
    """Give the checked config of a refiner's weights folder.

    Raises:
        WeightsError: the record is missing, or its config wrong.
    """
    return _checked(read_record(folder, network=NETWORK), folder)


def _checked(record: WeightsRecord, folder: Path) -> RefinerConfig:
    try:
        return from_mapping(RefinerConfig, record.config, source=f"{folder} config")
    except ConfigError as error:
        raise WeightsError(f"the record of {folder} is wrong: {error}") from error
