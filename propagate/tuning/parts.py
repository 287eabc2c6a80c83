"""Clips in two parts, one to train on and one held out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from propagate.agreement import CONFIDENT
from propagate.train_data import Clip
from vod.errors import ConfigError, VideoError
from vod.weights import read_record

HELD_OUT_SHARE: Final = 0.2


def split(clip: Clip, *, longest: int) -> tuple[Clip, Clip]:
    """Give the part of a clip to train on, and its end, which is held out.

    Args:
        clip: with the detector's boxes.
        longest: most frames that a box is carried where agreement is measured.

    Raises:
        VideoError: it is too short for both.
    """
    least_held_out = longest + 2  # room for that, twice
    count, least = len(clip.pictures), 3 * least_held_out
    if count < least:
        raise VideoError(
            f"{clip.name} has {count} frames; tuning needs {least} or more."
        )
    cut = count - max(round(HELD_OUT_SHARE * count), least_held_out)
    return (
        Clip(clip.name, clip.pictures[:cut], clip.detections[:cut]),
        Clip(clip.name, clip.pictures[cut:], clip.detections[cut:]),
    )


def split_all(
    clips: Sequence[Clip], *, longest: int
) -> tuple[Sequence[Clip], Sequence[Clip]]:
    """Split clips, and see that there is something to follow in both parts.

    Raises:
        VideoError: a clip is too short, or the detector finds too little.
    """
    parts = [split(clip, longest=longest) for clip in clips]
    seen, held_out = [one for one, _ in parts], [other for _, other in parts]
    check_objects(seen, "to train on")
    check_objects(held_out, "held out")
    return seen, held_out


def check_objects(clips: Sequence[Clip], part: str) -> None:
    """Refuse clips in which there is nothing to follow."""
    frames = [found for clip in clips for found in clip.detections]
    if not any((found.scores >= CONFIDENT).any() for found in frames):
        names = ", ".join(clip.name for clip in clips)
        raise VideoError(
            f"the detector finds no object in the part of {names} that is {part} "
            f"({len(frames)} frames): there is nothing to tune for. Use clips with "
            "objects that it knows."
        )


def check_folders(init: Path | None, out: Path, *, network: str) -> None:
    """Refuse a training that could not begin or end.

    Raises:
        ConfigError: `out` holds something already.
        WeightsError: `init` does not hold this network.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is in use. Choose a new folder as --out.")
    if init is not None:
        read_record(init, network=network)
