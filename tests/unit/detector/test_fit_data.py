"""Batches of annotated pictures."""

import numpy as np
import pytest

from detector.fit_config import PicturesConfig
from detector.fit_data import (
    PADDING,
    PictureBatches,
    PictureStore,
    TrainingPictures,
    padded,
    source_shares,
)
from detector.train_augment import AugmentConfig
from tests.tiny_videos import COLOURS, write_videos
from vod.dataset.annotated import read_annotated
from vod.errors import ConfigError
from vod.preprocess import Preprocessing

AS_IT_IS = AugmentConfig(
    zoom=(1, 1),
    stretch=1,
    flip=0,
    brightness=0,
    contrast=0,
    hue=0,
    blur=0,
    noise=0,
)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    yield read_annotated(str(write_videos(tmp_path_factory.mktemp("vid"), frames=3)))
    patch.undo()


def batches(videos, augment=AS_IT_IS, **changes):
    config = PicturesConfig(augment=augment, **changes)
    pictures = TrainingPictures([videos], config, Preprocessing(32, 96), 3)
    return PictureBatches(pictures, batch_size=4, steps=2, seed=1)


@pytest.mark.parametrize("changes", [{}, {"longest_side": 48, "keep": True}])
def test_boxes_lie_on_their_objects(videos, changes):
    batch = batches(videos, AugmentConfig(noise=0, blur=0, hue=0), **changes).batch(0)
    assert batch["image"].shape == (4, 32, 96, 3)
    assert batch["labels"].shape == (4, 3)
    for image, boxes, labels in zip(*batch.values(), strict=True):
        for box, label in zip(boxes, labels, strict=True):
            if label != PADDING:
                x, y = (box[:2] + box[2:]) / 2
                pixel = image[min(int(y), 31), min(int(x), 95)] * 127.5 + 127.5
                # The object's colour, red or blue, leads however much light changed.
                assert pixel.argmax() == np.argmax(COLOURS[label])


def test_a_number_gives_the_same_batch_and_an_epoch_goes_on(videos):
    ours, other = batches(videos, AugmentConfig()), batches(videos, AugmentConfig())
    other.batch(7)
    for name, values in ours.batch(3).items():
        np.testing.assert_array_equal(values, other.batch(3)[name])
    ours.on_epoch_end()
    np.testing.assert_array_equal(ours[1][0]["image"], other.batch(3)["image"])
    assert not np.array_equal(ours.batch(4)["image"], ours.batch(3)["image"])


def test_the_largest_objects_stay_and_the_rest_is_padding():
    boxes = np.array([[0, 0, 2, 2], [0, 0, 9, 9], [0, 0, 5, 5]], np.float32)
    labels = np.array([4, 5, 6], np.int32)
    whole, names = padded(boxes, labels, 2)
    assert names.tolist() == [5, 6]
    assert whole[0].tolist() == [0, 0, 9, 9]
    whole, names = padded(boxes[:1], labels[:1], 2)
    assert names.tolist() == [4, PADDING]
    assert not whole[1].any()


def test_pictures_are_shrunk_and_kept(tmp_path):
    import cv2

    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((60, 100, 3), 7, np.uint8))
    store = PictureStore(50, keep=True)
    rgb, scale = store.read(path)
    assert (rgb.shape, scale) == ((30, 50, 3), 0.5)
    path.unlink()
    assert store.read(path)[0] is rgb


def test_shares_must_fit_the_sources():
    assert source_shares(PicturesConfig(), 4).tolist() == [0.25] * 4
    assert source_shares(PicturesConfig(shares=(3, 1)), 2).tolist() == [0.75, 0.25]
    with pytest.raises(ConfigError, match="shares has 2 numbers, but there are 3"):
        source_shares(PicturesConfig(shares=(3, 1)), 3)
