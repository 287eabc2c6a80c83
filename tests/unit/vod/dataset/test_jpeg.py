import cv2
import numpy as np
import pytest

from vod.dataset.jpeg import is_cut_short, is_jpeg, jpeg_size


@pytest.mark.parametrize("options", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]])
def test_the_size_is_read_from_the_header(options):
    picture = np.zeros((30, 501, 3), np.uint8)
    data = cv2.imencode(".jpg", picture, options)[1].tobytes()
    assert is_jpeg(data)
    assert jpeg_size(data) == (30, 501)
    assert not is_cut_short(data)
    assert is_cut_short(data[:-2])


def test_fill_bytes_and_marks_without_length_are_passed_over():
    frame = bytes([0xFF, 0xC0, 0, 17, 8, 0, 4, 1, 2]) + bytes(12)
    assert jpeg_size(b"\xff\xd8\xff\xff\x01" + frame) == (4, 258)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8" + b"x" * 20])
def test_a_broken_header_has_no_size(data):
    assert jpeg_size(data) is None
