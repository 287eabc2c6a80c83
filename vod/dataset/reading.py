"""The one door to ground truth, whatever form it has on disk."""

from collections.abc import Sequence
from pathlib import Path

from vod.dataset.cache import read_cached
from vod.dataset.coco_video import read_coco
from vod.dataset.columns import load_ground_truth, select_videos
from vod.dataset.frame_list import read_frame_list
from vod.dataset.layout import read_annotations, to_ground_truth
from vod.ground_truth import GroundTruth


def read_ground_truth(
    data: Path, split: str = "val", *, cache: bool = True, videos: Sequence[str] = ()
) -> GroundTruth:
    """Read the objects to be found.

    Args:
        data: folder in the ILSVRC2015 layout (VID or DET); a COCO or COCO-VID `.json`
            file; or an `.npz` file that `save_ground_truth` wrote.
        split: for a folder the name or path of a list, see `read_frame_list`; for a
            json the `split` that its images carry, if they do.
        cache: keep parsed annotations, see `vod.dataset.cache`.
        videos: keep only these, see `select_videos`; empty: all.

    Raises:
        AnnotationError: naming the file, and line where there is one, that is missing
            or wrong.
    """
    if data.suffix == ".json":
        ground_truth = read_coco(data, split)
    elif data.suffix == ".npz":
        ground_truth = load_ground_truth(data)
    else:
        frames = read_frame_list(data, split)
        columns = read_cached(frames) if cache else read_annotations(frames)
        ground_truth = to_ground_truth(frames, columns)
    return select_videos(ground_truth, videos) if videos else ground_truth
