import dataclasses

import cv2
import numpy as np
import pytest

from tests.scenes import CAT, DOG, make_found, make_truth, square
from vod.analysis.ranking import rank
from vod.report.pictures import (
    FALSE,
    FOUND,
    MISSED,
    PICTURE_WIDTH,
    TRUE,
    draw_frame,
    find_mistakes,
    telling_frames,
    to_jpeg,
)

BOX = square(20, 40, 60)
SHIFTED = square(24, 40, 60)
AWAY = square(120, 100, 40)


def mistakes_of(*rows, root=None, frames=6, scores=(0.5, 0.5)):
    truth = make_truth(
        {"v": frames, "w": 1},
        *[("v", frame, DOG, BOX, 0) for frame in range(frames)],
        ("w", 0, CAT, BOX, 0),
    )
    if root is not None:
        truth = dataclasses.replace(truth, image_root=root)
    return find_mistakes(rank(truth, make_found(*rows)), np.array(scores))


def test_mistakes_are_counted_by_frame_from_the_working_score_on():
    mistakes = mistakes_of(
        (1, DOG, 0.9, BOX),
        (1, DOG, 0.8, AWAY),
        (2, DOG, 0.4, BOX),
        (3, CAT, 0.5, BOX),
        frames=3,
    )
    assert mistakes.missed.tolist() == [0, 1, 1, 1]
    assert mistakes.false.tolist() == [1, 0, 1, 0]


def test_the_frame_with_most_mistakes_speaks_for_its_stretch():
    mistakes = mistakes_of(
        *[(index, DOG, 0.9, BOX) for index in range(1, 7)],
        (2, DOG, 0.8, AWAY),
        (6, DOG, 0.8, AWAY),
    )
    # Stretches of frames 0 and 1, 2 and 3, 4 and 5: nothing is wrong in the second.
    assert telling_frames(mistakes, 0) == [1, 5]


def test_a_snippet_without_mistakes_shows_its_first_frames():
    mistakes = mistakes_of(*[(index, DOG, 0.9, BOX) for index in range(1, 7)])
    assert telling_frames(mistakes, 0) == [0, 2, 4]


def test_a_snippet_of_one_frame_has_one_picture():
    assert telling_frames(mistakes_of(), 1) == [6]


def test_frames_are_told_by_number_where_the_list_is_shuffled():
    mistakes = mistakes_of()
    truth = mistakes.ranking.ground_truth
    turned = dataclasses.replace(
        truth, frame_numbers=np.array([5, 4, 3, 2, 1, 0, 0], np.int32)
    )
    ranking = dataclasses.replace(mistakes.ranking, ground_truth=turned)
    assert telling_frames(dataclasses.replace(mistakes, ranking=ranking), 0) == [
        5,
        3,
        1,
    ]


def write_frame(folder, frame, *, width=200):
    path = folder / "v" / f"{frame:06d}.JPEG"
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), np.zeros((width * 3 // 4, width, 3), np.uint8))


def has(picture, colour, x, y):
    return picture[y, x].tolist() == list(colour)


def test_each_kind_of_box_has_its_colour(tmp_path):
    write_frame(tmp_path, 0)
    write_frame(tmp_path, 1)
    mistakes = mistakes_of(
        (1, DOG, 0.9, SHIFTED), (1, CAT, 0.8, AWAY), (2, DOG, 0.1, BOX), root=tmp_path
    )
    picture = draw_frame(mistakes, 0)
    # Bottom edges: the tags hide the others. The last pixel of BOX is 79, 99.
    assert has(picture, TRUE, 20, 60)
    assert has(picture, FOUND, 83, 60)
    assert has(picture, FALSE, 140, 139)
    assert not (picture == MISSED).all(axis=2).any()
    assert has(draw_frame(mistakes, 1), MISSED, 50, 99)
    assert not (draw_frame(mistakes, 1) == FOUND).all(axis=2).any()


def test_a_great_picture_is_shrunk_with_its_boxes(tmp_path):
    write_frame(tmp_path, 0, width=2 * PICTURE_WIDTH)
    picture = draw_frame(mistakes_of(root=tmp_path), 0)
    assert picture.shape == (PICTURE_WIDTH * 3 // 4, PICTURE_WIDTH, 3)
    assert has(picture, MISSED, 30, 49)
    assert not has(picture, MISSED, 30, 50)


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_a_picture_that_is_not_there_is_none(tmp_path, content):
    if content is not None:
        write_frame(tmp_path, 0)
        (tmp_path / "v" / "000000.JPEG").write_bytes(content)
    assert draw_frame(mistakes_of(root=tmp_path), 0) is None


def test_a_picture_becomes_a_jpeg():
    picture = np.zeros((30, 40, 3), np.uint8)
    picture[..., 0] = 200
    back = cv2.imdecode(np.frombuffer(to_jpeg(picture), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert back.shape == (30, 40, 3)
    assert abs(back.astype(int) - picture).max() <= 3  # a flat colour, lossy
