"""Look at a picture of a data set without decoding it, or with."""

from pathlib import Path
from typing import NamedTuple

from vod.dataset.jpeg import is_cut_short, is_jpeg, jpeg_size
from vod.errors import VideoError
from vod.images import read_image


class PictureProblem(NamedTuple):
    """What is wrong, in words that many pictures may share, and where."""

    what: str
    place: str


def inspect_picture(
    path: Path, stated: tuple[int, int], *, decode: bool = False
) -> PictureProblem | None:
    """Give what is wrong with a picture, None where nothing is.

    Args:
        path: the file. DET has a few PNG files named `.JPEG`; these are decoded.
        stated: height and width by the annotation, 0 where it does not say.
        decode: decode it in any case.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return PictureProblem("picture missing", str(path))
    except OSError as error:
        return PictureProblem("picture unreadable", f"{path}: {error.strerror}")
    jpeg = is_jpeg(data)
    if jpeg and is_cut_short(data):
        return PictureProblem("picture cut short", str(path))
    size = jpeg_size(data) if jpeg else None
    if decode or size is None:
        try:
            size = read_image(path).shape[:2]
        except VideoError as error:
            return PictureProblem("picture unreadable", str(error))
    if all(stated) and size != stated:
        return PictureProblem(
            "picture of another size than annotated",
            f"{path}: {size[1]}x{size[0]}, annotation {stated[1]}x{stated[0]}",
        )
    return None
