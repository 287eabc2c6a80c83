import dataclasses

import numpy as np
import pytest

from tests.vid_layout import make_root
from vod.dataset.columns import (
    load_ground_truth,
    pack_texts,
    save_ground_truth,
    select_frames,
    select_videos,
    unpack_texts,
    write_columns,
)
from vod.dataset.reading import read_ground_truth
from vod.errors import AnnotationError, VideoError


@pytest.fixture
def truth(tmp_path):
    return read_ground_truth(make_root(tmp_path / "data"), cache=False)


@pytest.mark.parametrize("category_ids", [(), (1, 5)])
def test_what_is_saved_is_what_is_loaded(truth, tmp_path, category_ids):
    truth = dataclasses.replace(truth, category_ids=category_ids)
    path = tmp_path / "truth.npz"
    save_ground_truth(truth, path)
    loaded = read_ground_truth(path)
    for field in dataclasses.fields(truth):
        one, other = getattr(truth, field.name), getattr(loaded, field.name)
        if isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype
        else:
            assert one == other


@pytest.mark.parametrize("texts", [(), ("",), ("a", "", "é\n\udcff", "b")])
def test_texts_survive_packing(texts):
    assert unpack_texts(pack_texts(texts)) == texts


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "truth.npz"
    write_columns(path, "other/1", {})
    with pytest.raises(AnnotationError, match=r"must be vod-ground-truth/1, received"):
        load_ground_truth(path)
    path.write_bytes(b"PK")
    with pytest.raises(AnnotationError, match="not a file of vod-ground-truth/1"):
        load_ground_truth(path)
    with path.open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(AnnotationError, match="not a file of vod-ground-truth/1"):
        load_ground_truth(path)
    write_columns(path, "vod-ground-truth/1", {})
    with pytest.raises(AnnotationError, match="lacks columns of vod-ground-truth/1"):
        load_ground_truth(path)
    with pytest.raises(AnnotationError, match=r"absent\.npz cannot be read: No such"):
        load_ground_truth(tmp_path / "absent.npz")


def test_a_folder_that_is_not_there_is_named(truth, tmp_path):
    with pytest.raises(VideoError, match="does not exist"):
        save_ground_truth(truth, tmp_path / "absent" / "truth.npz")


def test_videos_are_selected_in_the_order_of_the_list(truth):
    assert select_videos(truth, ["a", "b"]).snippets == ("b", "a")
    assert select_videos(truth, ["[b]*"]).frame_indices.tolist() == [1, 2]


def test_a_training_snippet_is_selected_by_its_last_part(truth):
    deeper = dataclasses.replace(truth, snippets=("pack/b", "pack/a"))
    assert select_videos(deeper, ["a"]).snippets == ("pack/a",)


def test_a_name_that_no_video_has_is_refused(truth):
    with pytest.raises(AnnotationError, match="no video is named 'c'; there are 2"):
        select_videos(truth, ["a", "c"])


def test_frames_may_be_selected_down_to_none(truth):
    none = select_frames(truth, np.zeros(3, np.bool_))
    assert (none.num_frames, none.num_objects, none.snippets) == (0, 0, ())
