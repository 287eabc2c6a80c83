"""The objects of a key frame as the refiner knows them."""

from propagate.refine.refiner import BoxRefiner, Templates
from propagate.tracked import Tracked
from propagate.view import View
from vod.types import Frame


class KeyObjects:
    """What was found on one key frame, looked at closely when that is first needed.

    Attributes:
        found: the detector's boxes, in pixels of the frame.
    """

    __slots__ = ("_templates", "_view", "found")

    def __init__(self, view: View, found: Tracked) -> None:
        """Take the key frame and what was found on it."""
        self._view, self.found = view, found
        self._templates: Templates | None = None

    @property
    def frame(self) -> Frame:
        """The key frame."""
        return self._view.frame

    def templates(self, refiner: BoxRefiner, least_score: float) -> Templates:
        """Look at the objects, always with the same refiner and least score."""
        made = self._templates
        if made is None:
            made = self._templates = refiner.templates(
                self._view.picture,
                self.found,
                frame_size=self._view.size,
                least_score=least_score,
            )
        return made
