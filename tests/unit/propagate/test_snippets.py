"""Samples of several frames: which pictures, which windows, whose boxes."""

import json

import cv2
import numpy as np
import pytest

from detector.fit_config import PicturesConfig
from detector.fit_data import TrainingPictures
from detector.train_augment import AugmentConfig
from propagate.snippets import (
    LONGEST_RIDE,
    Ride,
    SnippetBatches,
    SnippetConfig,
    VideoFrames,
    draw_ride,
)
from tests.tiny_videos import box_at, write_videos
from vod.dataset.annotated import read_annotated
from vod.errors import ConfigError
from vod.preprocess import Preprocessing

PLAIN = AugmentConfig(
    zoom=(1, 1), stretch=1, flip=0, brightness=0, contrast=0, hue=0, blur=0
)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    yield write_videos(tmp_path_factory.mktemp("vid"), frames=12, splits=("train",))
    patch.undo()


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stills")
    rgb = np.full((64, 96, 3), 120, np.uint8)
    rgb[20:50, 30:60] = (230, 40, 40)
    cv2.imwrite(str(folder / "a.png"), rgb[..., ::-1])
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 96, "height": 64}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [30, 20, 30, 30]}
        ],
        "categories": [{"id": 1, "name": "car"}],
    }
    (folder / "a.json").write_text(json.dumps(content))
    return read_annotated(str(folder / "a.json"))


def sample(source, config, *, augment=PLAIN, number=0):
    pictures = TrainingPictures(
        [source], PicturesConfig(augment=augment), Preprocessing(64, 96), 2
    )
    batches = SnippetBatches(pictures, config, batch_size=6, steps=2, seed=1)
    return batches.batch(number)


def test_the_papers_sample_has_nine_frames():
    assert SnippetConfig().times(3) == [73, 63, 53, 43, 33, 23, 13, 3, 0]
    assert SnippetConfig(keys=1).times(0) == [0, 0]


def test_key_frames_lie_at_the_interval_and_no_earlier_than_the_video(videos):
    source = read_annotated(str(videos))
    frames = VideoFrames(source)
    assert frames.before(11, 4) == source.path(7)
    assert frames.before(20, 4) == source.path(16)
    assert frames.before(20, 400) == source.path(12)
    assert not frames.is_still(0)


def test_frames_that_no_list_names_are_found_beside(videos, tmp_path):
    lines = tmp_path / "some.txt"
    lines.write_text("train/video_0/000009 1\n")
    source = read_annotated(f"{videos}@{lines}")
    frames = VideoFrames(source)
    assert frames.before(0, 4).name == "000005.JPEG"
    assert frames.before(0, 30) == source.path(0)
    assert not frames.is_still(0)


def test_only_the_last_frames_objects_are_given_and_the_object_moves(videos):
    source = read_annotated(str(videos))
    batch = sample(source, SnippetConfig(keys=2, interval=3))
    assert batch["frames"].shape == (6, 3, 64, 96, 3)
    seen = set()
    for frames, moved, boxes, labels in zip(*batch.values(), strict=True):
        assert moved == float(not np.array_equal(frames[-2], frames[-1]))
        snippet = int(labels[0])
        known = [np.allclose(boxes[0], box_at(snippet, f), atol=0.1) for f in range(12)]
        last = known.index(True)
        seen.add(last)
        channel = (0, 2)[snippet]
        places = [np.argwhere(f[..., channel] > 0.7).mean(0) for f in frames]
        way = (places[-1] - places[0])[1 - snippet]
        assert 0 <= round(way) <= min(last, 5)
    assert len(seen) > 2


def test_a_still_is_copied_or_ridden_over_with_exact_boxes(still):
    copies = sample(still, SnippetConfig(keys=2))["frames"]
    np.testing.assert_array_equal(copies[:, 0], copies[:, 2])
    ride = sample(still, SnippetConfig(keys=2, drift=0.01, zoom=0.01))
    assert not np.array_equal(ride["frames"][:, 0], ride["frames"][:, 2])
    np.testing.assert_allclose(ride["boxes"][:, 0], [[30, 20, 60, 50]] * 6, atol=1e-3)
    np.testing.assert_allclose(ride["frames"][:, 2], copies[:, 2], atol=0.1)


def test_a_ride_goes_on_evenly_and_not_too_far():
    ride = Ride(np.array([0.01, 0.0], np.float32), 0.0)
    window = np.array([10, 0, 50, 40], np.float32)
    np.testing.assert_allclose(ride.window(window, 5), [8, 0, 48, 40])
    np.testing.assert_allclose(ride.window(window, 0), window)
    # Mirrored, the camera still goes the same way over the picture.
    np.testing.assert_allclose(ride.window(window[[2, 1, 0, 3]], 5), [48, 0, 8, 40])
    growing = Ride(np.zeros(2, np.float32), np.log(2))
    np.testing.assert_allclose(growing.window(window, 1), [20, 10, 40, 30], atol=1e-4)
    far = draw_ride(np.random.default_rng(0), SnippetConfig(drift=1.0), longest=100)
    assert np.abs(far.drift).max() * 100 <= LONGEST_RIDE


def test_light_changes_alike_in_all_frames_of_a_sample(still):
    changed = AugmentConfig(zoom=(1, 1), stretch=1, flip=0, noise=9.0)
    frames = sample(still, SnippetConfig(keys=2), augment=changed)["frames"]
    np.testing.assert_array_equal(frames[:, 0], frames[:, 2])


def test_the_same_number_gives_the_same_sample(videos):
    source, config = read_annotated(str(videos)), SnippetConfig(keys=2)
    first = sample(source, config, augment=AugmentConfig(), number=4)
    second = sample(source, config, augment=AugmentConfig(), number=4)
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


@pytest.mark.parametrize("values", [{"keys": 0}, {"interval": 0}])
def test_counts_below_one_are_refused(values):
    with pytest.raises(ConfigError, match="keys and interval must be at least 1"):
        SnippetConfig(**values)


def test_negative_motion_is_refused():
    with pytest.raises(ConfigError, match="drift and zoom must not be negative"):
        SnippetConfig(drift=-0.1)
