"""How steadily and how soon tracks are detected: flicker and time to first detection.

An object is *detected* in a frame when a detection with at least the class's working
score takes it. Flicker looks at pairs of frames of one track that follow each other in
the list of frames of their video: a *death* is detected, then not; a *birth* is not
detected, then detected again. A track's first detection is no birth: it is what the
time to first detection measures. A gap in the track makes no pair. The rate is

    (births + deaths) / (seconds between the frames of all pairs)

so that a detector that never finds a track does not flicker on it; read the share of
objects detected beside it.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vod.analysis.numbers import or_none
from vod.analysis.ranking import Ranking
from vod.errors import ConfigError
from vod.ground_truth import BoolArray, DoubleArray, GroundTruth
from vod.types import IntArray

FRAME_RATE: Final = 30.0
"""Frames a second where nobody says; ImageNet VID does not tell its videos' rates."""


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Flicker and delay of a set of tracks.

    Attributes:
        tracks: number of tracks.
        frames: frames with a track's object, over all tracks.
        detected: share of these in which it is detected; NaN without tracks.
        births: see the module.
        deaths: likewise.
        seconds: looked at for births and deaths.
        never_found: tracks that are never detected.
        mean_delay: seconds from a track's first frame to its first detection, mean over
            the tracks that are detected at all; NaN where none is.
        median_delay: likewise, over all tracks, one that is never detected counting as
            infinitely late (the earlier one of two middle tracks).
    """

    tracks: int
    frames: int
    detected: float
    births: int
    deaths: int
    seconds: float
    never_found: int
    mean_delay: float
    median_delay: float

    @property
    def flicker(self) -> float:
        """Births and deaths a second, NaN where no two frames follow each other."""
        changes = self.births + self.deaths
        return changes / self.seconds if self.seconds else math.nan

    def to_json(self) -> dict[str, Any]:
        """Give the figures; null where there is none, or an infinite delay."""
        late = self.median_delay
        return {
            "tracks": self.tracks,
            "frames": self.frames,
            "detected": or_none(self.detected),
            "births": self.births,
            "deaths": self.deaths,
            "seconds": self.seconds,
            "flicker_per_second": or_none(self.flicker),
            "never_found": self.never_found,
            "mean_delay_s": or_none(self.mean_delay),
            "median_delay_s": None if math.isinf(late) else or_none(late),
        }


@dataclass(frozen=True, slots=True)
class SteadinessReport:
    """Steadiness of all tracks and by class.

    Attributes:
        frame_rate: frames a second that times are in.
        working_scores: least score of a detection that counts, by class; infinite for a
            class that never has a true positive.
        every: of all tracks.
        by_class: of the classes with tracks.
        without_track: objects whose annotation has no track id, left out.
    """

    frame_rate: float
    working_scores: dict[str, float]
    every: Steadiness
    by_class: dict[str, Steadiness]
    without_track: int

    def to_json(self) -> dict[str, Any]:
        """Give all figures."""
        return {
            "frame_rate": self.frame_rate,
            "working_scores": {
                name: score if math.isfinite(score) else None
                for name, score in self.working_scores.items()
            },
            **self.every.to_json(),
            "by_class": {name: s.to_json() for name, s in self.by_class.items()},
            "without_track": self.without_track,
        }


def measure_steadiness(
    ranking: Ranking,
    working_scores: DoubleArray,
    *,
    frame_rate: float = FRAME_RATE,
) -> SteadinessReport:
    """Measure flicker and time to first detection.

    Args:
        ranking: of all detections.
        working_scores: `(C,)` least score of a detection that counts, for example
            `Curves.best_scores`.
        frame_rate: frames a second of all videos.

    Raises:
        ConfigError: a frame rate that is no positive number, or not one score a class.
    """
    truth = ranking.ground_truth
    if not (math.isfinite(frame_rate) and frame_rate > 0):
        raise ConfigError(f"frame_rate must be positive, received {frame_rate}.")
    if working_scores.shape != (ranking.num_classes,):
        raise ConfigError(
            f"one working score a class is needed, {ranking.num_classes} in all, "
            f"received {working_scores.shape}."
        )
    found = np.zeros(truth.num_objects, np.bool_)
    counts = ranking.scores >= working_scores[ranking.labels]
    taken = ranking.objects[counts]
    found[taken[taken >= 0]] = True
    frames = _track_frames(truth, found)
    labels = frames.labels[frames.firsts]
    return SteadinessReport(
        frame_rate,
        dict(zip(truth.classes, working_scores.tolist(), strict=True)),
        _measure(frames, np.ones(len(labels), np.bool_), frame_rate),
        {
            truth.classes[label]: _measure(frames, labels == label, frame_rate)
            for label in np.unique(labels)
        },
        int((truth.track_ids < 0).sum()),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _TrackFrames:
    """Frames of tracks (T), by track and time (N in all).

    Attributes:
        tracks: `(N,)` number of the track, ascending.
        labels: `(N,)`.
        numbers: `(N,)` of the frame in its video.
        places: `(N,)` position among the listed frames of the video.
        found: `(N,)` whether the object is detected.
    """

    tracks: npt.NDArray[np.int64]
    labels: IntArray
    numbers: IntArray
    places: npt.NDArray[np.int64]
    found: BoolArray

    @property
    def firsts(self) -> npt.NDArray[np.intp]:
        """`(T,)` row of every track's first frame."""
        return np.flatnonzero(np.diff(self.tracks, prepend=-1))


def _track_frames(truth: GroundTruth, found: BoolArray) -> _TrackFrames:
    """Sort objects by track and time; a track's id used twice in a frame is one."""
    places = np.zeros(truth.num_frames, np.int64)
    for _, frames in truth.videos():
        places[frames[np.argsort(truth.frame_numbers[frames], kind="stable")]] = (
            np.arange(len(frames))
        )
    rows = np.flatnonzero(truth.track_ids >= 0)
    frames = truth.object_frames[rows]
    snippets = truth.frame_snippets[frames]
    order = np.lexsort(
        (places[frames], truth.labels[rows], truth.track_ids[rows], snippets)
    )
    rows, frames, snippets = rows[order], frames[order], snippets[order]
    new_track = np.zeros(len(rows), np.bool_)
    new_frame = np.diff(frames, prepend=-1) != 0
    for column in (snippets, truth.track_ids[rows], truth.labels[rows]):
        new_track |= np.diff(column, prepend=-1) != 0
    starts = np.flatnonzero(new_track | new_frame)
    if len(rows):
        found = np.logical_or.reduceat(found[rows], starts)
    tracks = np.cumsum(new_track)[starts] - 1
    rows, frames = rows[starts], frames[starts]
    numbers = truth.frame_numbers[frames]
    return _TrackFrames(tracks, truth.labels[rows], numbers, places[frames], found)


def _measure(frames: _TrackFrames, chosen: BoolArray, frame_rate: float) -> Steadiness:
    """Measure some of the tracks, `(T,)` chosen."""
    firsts = frames.firsts
    found_at = np.flatnonzero(frames.found)
    next_found = np.append(found_at, len(frames.found))[
        np.searchsorted(found_at, firsts)
    ]
    ends = np.append(firsts[1:], len(frames.found))
    ever = next_found < ends
    delays = np.full(len(firsts), np.inf)
    delays[ever] = (
        frames.numbers[next_found[ever]] - frames.numbers[firsts[ever]]
    ) / frame_rate
    later = (
        np.flatnonzero((np.diff(frames.tracks) == 0) & (np.diff(frames.places) == 1))
        + 1
    )
    later = later[chosen[frames.tracks[later]]]
    was, now = frames.found[later - 1], frames.found[later]
    again = later > next_found[frames.tracks[later]]
    steps = frames.numbers[later] - frames.numbers[later - 1]
    members = frames.found[chosen[frames.tracks]]
    known = delays[chosen & ever]
    return Steadiness(
        int(chosen.sum()),
        len(members),
        float(members.mean()) if len(members) else math.nan,
        int((~was & now & again).sum()),
        int((was & ~now).sum()),
        float(steps.sum() / frame_rate),
        int((chosen & ~ever).sum()),
        float(known.mean()) if len(known) else math.nan,
        _median(delays[chosen]),
    )


def _median(delays: DoubleArray) -> float:
    """Give the middle value, the lower of two: infinities cannot be halved."""
    if not len(delays):
        return math.nan
    return float(np.sort(delays)[(len(delays) - 1) // 2])
