import json
import logging

import numpy as np
import pytest

from tests.vid_layout import write_jpeg
from vod.dataset.reading import read_ground_truth
from vod.errors import AnnotationError


def content(**changes):
    """Two videos as mmtracking writes them, categories 3 and 7."""
    whole = {
        "categories": [{"id": 3, "name": "car"}, {"id": 7, "name": "dog"}],
        "videos": [{"id": 1, "name": "val/a"}, {"id": 2, "name": "val/b"}],
        "images": [
            image(11, "val/b/000000.JPEG", video_id=2, frame_id=0),
            image(12, "val/b/000005.JPEG", video_id=2, frame_id=5),
            image(13, "val/a/000000.JPEG", video_id=1, frame_id=0),
        ],
        "annotations": [
            annotation(1, 13, 7, [0, 0, 10, 10], instance_id=4, occluded=True),
            annotation(2, 11, 3, [1.5, 2, 10, 20], instance_id=5, generated=True),
            annotation(3, 11, 7, [5, 6, 0, 0]),
        ],
    }
    return {**whole, **changes}


def image(number, name, **more):
    return {"id": number, "file_name": name, "width": 96, "height": 72, **more}


def annotation(number, image_id, category_id, bbox, **more):
    return {
        "id": number,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": bbox,
        **more,
    }


@pytest.fixture
def read(tmp_path):
    def read_content(values, split="val"):
        path = tmp_path / "annotations" / "set.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(values if isinstance(values, str) else json.dumps(values))
        return read_ground_truth(path, split)

    return read_content


def test_objects_come_in_the_order_of_the_images(read):
    truth = read(content())
    assert truth.object_frames.tolist() == [0, 0, 2]
    assert truth.labels.tolist() == [0, 1, 1]
    assert truth.track_ids.tolist() == [5, -1, 4]
    assert truth.occluded.tolist() == [False, False, True]
    assert truth.generated.tolist() == [True, False, False]


def test_boxes_keep_the_numbers_of_the_file(read):
    assert read(content()).boxes.tolist() == [
        [1.5, 2, 11.5, 22],
        [5, 6, 5, 6],
        [0, 0, 10, 10],
    ]


def test_classes_keep_their_numbers(read):
    truth = read(content())
    assert truth.classes == ("car", "dog")
    assert truth.category_ids == (3, 7)
    assert truth.is_coco


def test_images_know_their_video_and_number(read):
    truth = read(content())
    assert truth.snippets == ("val/b", "val/a")
    assert truth.frame_snippets.tolist() == [0, 0, 1]
    assert truth.frame_numbers.tolist() == [0, 5, 0]
    assert truth.frame_indices.tolist() == [11, 12, 13]
    assert truth.frame_sizes.tolist() == [[72, 96]] * 3


def test_pictures_without_videos_are_videos_of_one_frame(read):
    images = [image(1, "x.jpg"), image(2, "y.jpg")]
    truth = read(content(images=images, annotations=[], videos=[]))
    assert truth.snippets == ("x.jpg", "y.jpg")
    assert truth.frame_numbers.tolist() == [0, 0]
    assert truth.boxes.shape == (0, 4)


def test_frames_without_number_are_counted(read):
    images = [image(n, f"{n}.jpg", video_id=1) for n in (5, 6, 7)]
    truth = read(content(images=images, annotations=[]))
    assert truth.frame_numbers.tolist() == [0, 1, 2]


@pytest.mark.parametrize("folder", ["annotations", ".", "Data/VID", "images"])
def test_pictures_are_found_where_toolkits_put_them(read, tmp_path, folder):
    write_jpeg(tmp_path / folder / "val" / "b" / "000000.JPEG")
    assert read(content()).image_path(0).is_file()


def test_a_split_is_kept_where_images_carry_one(read):
    images = [image(1, "x.jpg", split="train"), image(2, "y.jpg", split="val")]
    objects = [annotation(n, n, 3, [0, 0, n, n]) for n in (1, 2)]
    values = content(images=images, annotations=objects, videos=[])
    truth = read(values)
    assert truth.image_names == ("y.jpg",)
    assert truth.boxes.tolist() == [[0, 0, 2, 2]]
    with pytest.raises(
        AnnotationError, match="no image of split 'test'; its splits are"
    ):
        read(values, "test")


def test_crowd_regions_are_left_out_with_a_warning(read, caplog):
    objects = [
        annotation(1, 11, 3, [0, 0, 1, 1], iscrowd=1),
        annotation(2, 11, 3, [0, 0, 2, 2], iscrowd=0),
    ]
    with caplog.at_level(logging.WARNING):
        assert read(content(annotations=objects)).boxes.tolist() == [[0, 0, 2, 2]]
    assert "1 crowd regions are left out" in caplog.text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("{", "set.json is not JSON"),
        ("[]", "must be a COCO json with the lists images, annotations, categories"),
        ({"images": []}, "must be a COCO json with the lists"),
        (content(images=[], annotations=[]), "lists no image"),
        (
            content(images=[image(1, "x"), image(1, "y")], annotations=[]),
            "two of its images have the id 1",
        ),
        (
            content(categories=[{"id": 3, "name": "a"}, {"id": 3, "name": "b"}]),
            "two of its categories have the id 3",
        ),
        (content(images=[image("one", "x")]), "every id of images must be a whole"),
        (content(images=[{"id": 1}], annotations=[]), "lacks 'file_name'"),
        (content(images=[7], annotations=[]), "not a COCO json of boxes"),
        (content(annotations=[annotation(9, 99, 3, [0, 0, 1, 1])]), "9 is of image 99"),
        (content(annotations=[annotation(9, 11, 4, [0, 0, 1, 1])]), "category_id 4"),
        (content(annotations=[annotation(9, 11, 3, [0, 0, 1])]), "9 needs bbox"),
        (content(annotations=[annotation(9, 11, 3, [0, 0, -1, 1])]), "9 needs bbox"),
        (content(annotations=[annotation(9, 11, 3, [0, "x", 1, 1])]), "9 needs bbox"),
        (content(annotations=[annotation(9, 11, 3, None)]), "9 needs bbox"),
        (content(videos=[{"id": 1, "name": "a"}]), "lacks 2"),
    ],
)
def test_a_wrong_file_is_one_clear_sentence(read, values, message):
    with pytest.raises(AnnotationError, match=message):
        read(values)


def test_a_box_that_is_not_a_number_is_refused(read):
    text = json.dumps(content()).replace("[0, 0, 10, 10]", "[0, 0, NaN, 10]")
    with pytest.raises(AnnotationError, match="annotation 1 needs bbox"):
        read(text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AnnotationError, match=r"absent\.json cannot be read: No such"):
        read_ground_truth(tmp_path / "absent.json")


def test_real_pictures_are_read_as_they_are(vod_data):
    path = vod_data / "stills" / "instances.json"
    val, train = read_ground_truth(path, "val"), read_ground_truth(path, "train")
    assert (val.num_frames, train.num_frames) == (642, 2010)
    assert (val.num_objects, train.num_objects) == (1270, 3374)
    assert val.image_path(0).is_file()
    assert np.isfinite(val.boxes).all()
