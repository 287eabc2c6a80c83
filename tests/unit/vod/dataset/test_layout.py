import numpy as np
import pytest

from tests.vid_layout import CAR, DOG, make_root, write_list, write_xml, xml_object
from vod.dataset.reading import read_ground_truth
from vod.errors import AnnotationError


@pytest.fixture
def root(tmp_path):
    return make_root(tmp_path)


def read(root, split="val", **options):
    return read_ground_truth(root, split, cache=False, **options)


def test_objects_of_all_frames_are_columns(root):
    truth = read(root)
    assert truth.num_frames == 3
    assert truth.object_frames.tolist() == [0, 0, 2]
    assert truth.labels.tolist() == [6, 8, 6]
    assert truth.track_ids.tolist() == [0, 7, 0]
    assert truth.boxes.tolist() == [[10, 20, 29, 59], [10, 20, 29, 59], [0, 20, 0, 59]]
    assert truth.generated.tolist() == [False, False, True]
    assert truth.occluded.tolist() == [False] * 3


def test_frames_know_their_video_number_index_size_and_picture(root):
    truth = read(root)
    assert truth.snippets == ("b", "a")
    assert truth.frame_snippets.tolist() == [0, 0, 1]
    assert truth.frame_numbers.tolist() == [0, 1, 4]
    assert truth.frame_indices.tolist() == [1, 2, 3]
    assert truth.frame_sizes.tolist() == [[72, 96]] * 3
    assert truth.image_path(2) == root / "Data" / "VID" / "val" / "a" / "000004.JPEG"
    assert not truth.is_coco
    assert len(truth.classes) == 30


def test_columns_have_their_types(root):
    truth = read(root)
    assert truth.boxes.dtype == np.float64
    assert truth.frame_indices.dtype == np.int64
    names = ("frame_sizes", "object_frames", "labels", "track_ids", "frame_numbers")
    assert all(getattr(truth, name).dtype == np.int32 for name in names)
    assert truth.occluded.dtype == truth.generated.dtype == np.bool_


def test_a_set_without_any_object_is_ordinary(tmp_path):
    write_list(tmp_path, "VID/val.txt", "s/000000 1")
    write_xml(tmp_path / "Annotations" / "VID" / "val" / "s" / "000000.xml")
    truth = read(tmp_path)
    assert truth.num_objects == 0
    assert truth.boxes.shape == (0, 4)


def test_more_frames_than_a_thread_takes_keep_their_order(tmp_path):
    lines = [f"s/{i:06d} {i + 1}" for i in range(600)]
    write_list(tmp_path, "VID/val.txt", *lines)
    for i in range(600):
        path = tmp_path / "Annotations" / "VID" / "val" / "s" / f"{i:06d}.xml"
        write_xml(path, xml_object(track=i))
    assert read(tmp_path).track_ids.tolist() == list(range(600))


def test_a_missing_annotation_is_named(root):
    (root / "Annotations" / "VID" / "val" / "b" / "000001.xml").unlink()
    with pytest.raises(
        AnnotationError, match=r"b/000001\.xml cannot be read \(No such"
    ):
        read(root)


def test_a_wrong_annotation_is_named(root):
    path = root / "Annotations" / "VID" / "val" / "b" / "000001.xml"
    write_xml(path, xml_object("n1"))
    with pytest.raises(AnnotationError, match=r"b/000001\.xml: 'n1' is not one of"):
        read(root)


def test_pictures_of_det_are_videos_of_one_frame(tmp_path):
    folder = tmp_path / "Annotations" / "DET" / "train"
    write_xml(
        folder / "a" / "p.xml", xml_object(DOG, track=""), xml_object("n00000001")
    )
    write_list(tmp_path, "DET_train_30classes.txt", "train/a/p 1", "train/a/q 1")
    truth = read(tmp_path, "DET_train_30classes")
    assert truth.snippets == ("a/p", "a/q")
    assert truth.labels.tolist() == [8]
    assert truth.track_ids.tolist() == [-1]
    assert truth.frame_sizes.tolist() == [[72, 96], [0, 0]]
    assert truth.image_path(0) == tmp_path / "Data" / "DET" / "train" / "a" / "p.JPEG"


def test_det_without_any_annotation_is_an_error(tmp_path):
    write_list(tmp_path, "DET/val.txt", "p 1")
    with pytest.raises(AnnotationError, match=r"Annotations/DET cannot be read"):
        read(tmp_path, "DET/val")


def test_classes_of_its_own_replace_the_official_ones(root):
    write_list(root, "VID/classes.txt", f"{DOG} dog", f"{CAR} fork lift")
    truth = read(root)
    assert truth.classes == ("dog", "fork lift")
    assert truth.labels.tolist() == [1, 0, 1]


def test_some_videos_can_be_chosen(root):
    truth = read(root, videos=["a"])
    assert truth.snippets == ("a",)
    assert truth.frame_indices.tolist() == [3]
    assert truth.object_frames.tolist() == [0]
    assert truth.image_names == ("val/a/000004.JPEG",)


@pytest.mark.parametrize(
    ("name", "split", "frames", "objects", "snippets"),
    [
        ("davis", "val", 290, 290, 6),
        ("tiger", "train", 628, 689, 6),
        ("tiger", "val", 171, 170, 2),
    ],
)
def test_real_sets_are_read_as_they_are(
    vod_data, name, split, frames, objects, snippets
):
    truth = read(vod_data / name, split)
    assert (truth.num_frames, truth.num_objects) == (frames, objects)
    assert len(truth.snippets) == snippets
    assert all(truth.image_path(frame).is_file() for frame in range(frames))


@pytest.mark.parametrize("case", ["tiny", "edge_open"])
@pytest.mark.parametrize("name", ["VID_val_videos", "VID_val_frames"])
def test_all_lists_of_the_oracle_name_the_same_objects(oracle, case, name):
    official, other = read(oracle / case), read(oracle / case, name)
    for column in ("frame_indices", "frame_numbers", "frame_snippets", "boxes"):
        np.testing.assert_array_equal(getattr(official, column), getattr(other, column))
    assert official.image_names == other.image_names
    assert official.snippets == other.snippets
