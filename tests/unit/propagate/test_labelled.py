"""Annotated videos as clips with tracks, and what is drawn from them."""

import cv2
import numpy as np
import pytest

from propagate.joint.config import JointTrainConfig
from propagate.joint.material import Material
from propagate.joint.pairs import RealPairs, follow
from propagate.labelled import read_labelled
from propagate.refine.subjects import FollowConfig, subjects_of
from propagate.train_data import PairConfig
from propagate.transport_config import TransportConfig
from tests.builders import make_detections
from tests.vid_layout import DOG, write_list, write_xml, xml_object
from vod.config import load_config
from vod.errors import AnnotationError, ConfigError
from vod.preprocess import Preprocessing

FRAMES = 6


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two snippets of 72 x 96; in `a` a square goes right by 2 pixels a frame."""
    root = tmp_path_factory.mktemp("vid")
    rng = np.random.default_rng(0)
    ground = cv2.blur(rng.integers(0, 120, (72, 96, 3), np.uint8), (3, 3))
    square = cv2.blur(rng.integers(120, 255, (40, 20, 3), np.uint8), (3, 3))
    lines = []
    for snippet in ("a", "b"):
        for frame in range(FRAMES):
            name, left = f"train/{snippet}/{frame:06d}", 10 + 2 * frame
            box = {"xmin": left, "xmax": left + 19, "ymin": 20, "ymax": 59}
            objects = [xml_object(DOG, 7, **box)] if snippet == "a" else []
            if snippet == "a" and frame == 3:
                objects.append(xml_object(track=1))
            write_xml(root / "Annotations" / "VID" / f"{name}.xml", *objects)
            picture = ground.copy()
            picture[20:60, left : left + 20] = square
            path = root / "Data" / "VID" / f"{name}.JPEG"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
            lines.append(f"{name} {len(lines) + 1}")
    write_list(root, "VID/train.txt", *lines)
    return root


@pytest.fixture(scope="module")
def clip(root):
    (found,) = read_labelled(root, Preprocessing(36, 48), most=10)
    return found


def test_a_track_has_the_objects_boxes_in_the_detectors_pixels(clip):
    assert clip.name == "a"  # b shows no object
    (track,) = clip.tracks  # track 1 is on one frame only
    assert track.frames.tolist() == list(range(FRAMES))
    # xmin 10, xmax 29 inclusive is 10 to 30, at half the size 5 to 15.
    assert track.boxes[0].tolist() == [5, 10, 15, 30]
    assert track.boxes[3].tolist() == [8, 10, 18, 30]
    assert track.on(2).tolist() == [[7, 10, 17, 30]]
    assert track.on(99).shape == (0, 4)


def test_pictures_are_read_when_asked_for(clip):
    assert clip.pictures.shape == (FRAMES, 36, 48, 3)
    assert len(clip.pictures) == len(list(clip.pictures)) == FRAMES
    assert clip.pictures[1].shape == (36, 48, 3)


def test_boxes_of_a_pair_come_from_the_track(clip):
    field = np.zeros((75, 75, 3), np.float32)
    pairs = follow(clip, 1, 4, field, PairConfig())
    expected = np.array([6, 10, 16, 30, 9, 10, 19, 30]) / ([48, 36] * 4)
    np.testing.assert_allclose(pairs, [expected], rtol=1e-6)


def test_pairs_are_drawn_at_distances_up_to_the_interval(clip):
    source = RealPairs(
        [clip], PairConfig(distances=(1, 2, 3)), size=32, cells=8, keeps_flows=False
    )
    moved = set()
    for seed in range(12):
        pair = source.draw(np.random.default_rng(seed))
        if pair.box_weight[0]:
            first, second = pair.boxes[0, :4], pair.boxes[0, 4:]
            step = abs((second - first)[0]) / (first[2] - first[0])
            moved.add(round(float(step) * 10))  # a square is 10 pixels wide
    assert moved <= {1, 2, 3}
    assert len(moved) > 1
    assert clip.flows == {}


def test_labelled_pairs_are_a_share_of_the_batch(clip):
    settings = ["real=2", "labelled=3", "generated=0", "interval=4"]
    config = load_config(JointTrainConfig, None, settings)
    sources = Material([clip], labelled=[clip]).sources(config, size=32, cells=8)
    assert [count for _, count in sources] == [2, 3]
    with pytest.raises(ConfigError, match="need --labelled"):
        Material([clip]).sources(config, size=32, cells=8)


def test_the_refiner_learns_from_tracks(clip):
    config = FollowConfig(longest=3, every=2)
    large = [
        type(track)(track.frames, track.boxes * [1, 1, 1.5, 1]) for track in clip.tracks
    ]
    found = subjects_of(
        type(clip)("a", clip.pictures, [make_detections()] * FRAMES, tracks=large),
        config,
        TransportConfig(),
    )
    # From frames 0, 2 and 4 on, 4 boxes at most, and up to the last frame.
    assert [one.first for one in found] == [0, 2, 4]
    assert [len(one.boxes) for one in found] == [4, 4, 2]
    np.testing.assert_array_equal(found[1].boxes[0], large[0].boxes[2])
    assert found[0].carried.shape == (4, 4)


def test_the_val_split_is_not_read_unless_asked_for(root):
    with pytest.raises(AnnotationError, match="no list 'val'"):
        read_labelled(root, Preprocessing(36, 48), split="val", most=1)


def test_videos_without_motion_are_refused(root):
    write_list(root, "VID/train_b.txt", "train/b/000000 1", "train/b/000001 2")
    with pytest.raises(AnnotationError, match="no object on two frames"):
        read_labelled(root, Preprocessing(36, 48), split="train_b", most=1)
