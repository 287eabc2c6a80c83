"""Sources of training pictures: what is read, and what is refused in one sentence."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.tiny_videos import CLASSES, box_at, write_videos
from vod.dataset.annotated import (
    check_classes,
    read_annotated,
    read_sources,
    validation_source,
)
from vod.errors import AnnotationError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def videos(tmp_path):
    return write_videos(tmp_path / "vid", frames=3)


def write_coco(folder: Path, annotations, *, names=("cow", "cup"), pictures=2) -> Path:
    folder.mkdir(exist_ok=True)
    images = []
    for number in range(pictures):
        name = f"{number}.png"
        cv2.imwrite(str(folder / name), np.zeros((20, 30, 3), np.uint8))
        split = "val" if number else "train"
        size = {"width": 30, "height": 20}
        images.append({"id": number, "file_name": name, "split": split, **size})
    content = {
        "images": images,
        "annotations": [
            {"id": n, "image_id": image, "category_id": category, "bbox": box}
            for n, (image, category, box) in enumerate(annotations)
        ],
        "categories": [{"id": 5 + n, "name": name} for n, name in enumerate(names)],
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(content))
    return path


def test_a_vid_folder_gives_continuous_boxes(videos):
    found = read_annotated(f"{videos}@train")
    assert found.classes == CLASSES
    assert len(found) == 6
    boxes, labels = found.objects(4)
    np.testing.assert_allclose(boxes, [box_at(1, 1)])
    assert labels.tolist() == [1]
    assert found.path(4).name == "000001.JPEG"


def test_a_coco_file_gives_the_split_and_the_chosen_classes(tmp_path):
    rows = [(0, 5, [2, 3, 10, 8]), (0, 6, [1, 1, 5, 5]), (1, 5, [0, 0, 9, 9])]
    path = write_coco(tmp_path / "coco", rows)
    # What COCO calls cow, ImageNet VID calls cattle.
    found = read_annotated(f"{path}@train", ("cattle",))
    assert (len(found), found.classes) == (1, ("cattle",))
    np.testing.assert_allclose(found.objects(0)[0], [[2, 3, 12, 11]])
    assert found.objects(0)[1].tolist() == [0]
    assert len(validation_source(str(path), ("cow",), degenerate="refuse")) == 1
    assert validation_source(None, ("cow",), degenerate="refuse") is None


def test_boxes_are_cut_to_their_picture(tmp_path):
    path = write_coco(tmp_path / "coco", [(0, 5, [-4, 10, 50, 50])])
    np.testing.assert_allclose(
        read_annotated(str(path)).objects(0)[0], [[0, 10, 30, 20]]
    )


def test_frames_are_spread_over_the_list(videos):
    some = read_annotated(f"{videos}@val").spread(3)
    assert [some.path(n).parent.name for n in range(3)] == ["video_0"] * 2 + ["video_1"]
    np.testing.assert_allclose(some.objects(2)[0], [box_at(1, 2)])


@pytest.mark.parametrize("box", [[4, 4, 0, 9], [40, 4, 9, 9]])
def test_boxes_without_area_are_refused_or_left_out(tmp_path, box):
    path = write_coco(tmp_path / "coco", [(0, 5, [1, 1, 5, 5]), (0, 5, box)])
    with pytest.raises(
        AnnotationError, match=r"1 boxes have no area .* in 0\.png \(x1"
    ):
        read_annotated(str(path))
    assert read_annotated(str(path), degenerate="drop").truth.num_objects == 1


def test_an_empty_annotation_file_is_refused(tmp_path):
    path = write_coco(tmp_path / "coco", [])
    with pytest.raises(AnnotationError, match="lists 1 pictures and not one object"):
        read_annotated(str(path))


def test_a_root_without_pictures_is_refused(videos):
    for path in (videos / "Data").rglob("*.JPEG"):
        path.unlink()
    with pytest.raises(AnnotationError, match="of 6 pictures but not the picture "):
        read_annotated(str(videos))


def test_classes_that_the_data_lacks_are_refused(videos):
    with pytest.raises(
        AnnotationError, match="no object of the classes tiger; its own"
    ):
        read_annotated(str(videos), ("tiger",))
    message = r"shows the class 'dgo' in .*Did you mean 'car'|shows the class 'dgo'"
    with pytest.raises(AnnotationError, match=message):
        read_sources([str(videos)], ("car", "dgo"))


def test_every_source_has_the_first_ones_classes(videos, tmp_path):
    path = write_coco(tmp_path / "coco", [(0, 5, [1, 1, 5, 5])], names=("dog",))
    first, second = read_sources([str(videos), str(path)])
    assert second.classes == CLASSES
    assert second.objects(0)[1].tolist() == [1]
    check_classes([first, second])
