"""Every published layout is recognised, read in its order, and checked."""

import numpy as np
import pytest

from flow.datasets.reading import LAYOUTS, find_layout, read_pairs
from tests.flow_layouts import (
    SIZE,
    chairs,
    examples,
    flow_of,
    kitti,
    middlebury,
    sintel,
    write_picture,
)
from vod.errors import ConfigError, FlowError


def names(root, split=None, layout="auto"):
    return [pair.name for pair in read_pairs(root, layout, split)]


def reds(pair):
    """The numbers of the current and of the key picture."""
    loaded = pair.load()
    return int(loaded.current[0, 0, 0]), int(loaded.key[0, 0, 0])


def test_chairs_go_from_img1_to_img2(tmp_path):
    pairs = read_pairs(chairs(tmp_path))
    assert find_layout(tmp_path) == ("chairs", tmp_path / "data")
    assert [pair.name for pair in pairs] == ["00001", "00002", "00003", "00004"]
    assert reds(pairs[1]) == (2, 102)
    np.testing.assert_array_equal(pairs[1].load().flow, flow_of(2))
    assert pairs[1].size() == SIZE


@pytest.mark.parametrize("data", ["", "data", "FlyingChairs_release/data"])
def test_the_split_file_is_found_beside_or_above_the_pairs(tmp_path, data):
    root = chairs(tmp_path, data=data)
    assert names(root, "train") == ["00001", "00002", "00004"]
    assert names(root, "val") == ["00003"]


def test_hidden_files_of_other_systems_are_no_pairs(tmp_path):
    root = chairs(tmp_path)
    (root / "data" / "._00001_img1.ppm").write_bytes(b"x")
    assert len(names(root)) == 4


def test_a_split_file_with_other_lines_than_pairs_is_refused(tmp_path):
    root = chairs(tmp_path)
    path = root / "FlyingChairs_train_val.txt"
    path.write_text("1\n2\n")
    with pytest.raises(FlowError, match=r"train_val\.txt has 2 lines, but .* 4 pairs"):
        read_pairs(root, split="train")
    assert len(read_pairs(root)) == 4
    path.write_text("1\n2\n3\n1\n")
    with pytest.raises(FlowError, match=r"train_val\.txt, line 3: .* received '3'"):
        read_pairs(root, split="train")
    path.unlink()
    with pytest.raises(FlowError, match=r"has no FlyingChairs_train_val\.txt"):
        read_pairs(root, split="train")


def test_a_gap_between_pairs_would_shift_the_split_and_is_refused(tmp_path):
    root = chairs(tmp_path)
    for path in (root / "data").glob("00002*"):
        path.rename(path.with_name(path.name.replace("00002", "00009")))
    with pytest.raises(FlowError, match=r"line 2 of .* 00002, but .* on with 00003"):
        read_pairs(root, split="train")


def test_a_split_without_pairs_is_told(tmp_path):
    root = chairs(tmp_path, codes="11")
    with pytest.raises(FlowError, match="holds no flow pairs of split val"):
        read_pairs(root, split="val")


@pytest.mark.parametrize("missing", ["img1.ppm", "img2.ppm", "flow.flo"])
def test_a_pair_of_chairs_without_a_file_is_named(tmp_path, missing):
    root = chairs(tmp_path)
    (root / "data" / f"00002_{missing}").unlink()
    with pytest.raises(FlowError, match=rf"pair 00002 has no .*00002_{missing}"):
        read_pairs(root)


@pytest.mark.parametrize("ending", ["png", "ppm"])
def test_examples_go_from_img0_to_img1(tmp_path, ending):
    pairs = read_pairs(examples(tmp_path, ending=ending))
    assert find_layout(tmp_path)[0] == "chairs-examples"
    assert [pair.name for pair in pairs] == ["a", "b"]
    assert reds(pairs[0]) == (1, 101)
    (tmp_path / f"a-img1.{ending}").unlink()
    with pytest.raises(FlowError, match=rf"pair a has no .*a-img1\.{ending}"):
        read_pairs(tmp_path)


def test_sintel_goes_from_a_frame_to_the_next_of_its_scene(tmp_path):
    root = sintel(tmp_path)
    assert find_layout(root) == ("sintel", root / "training")
    clean = ["alley/frame_0001", "alley/frame_0002", "cave/frame_0001"]
    assert names(root, "clean") == [f"clean/{name}" for name in clean]
    assert names(root) == [f"{p}/{n}" for p in ("clean", "final") for n in clean]
    pair = read_pairs(root / "training", split="final")[1]
    assert reds(pair) == (102, 103)
    loaded = pair.load()
    assert np.argwhere(~loaded.valid).tolist() == [[0, 0]]
    assert loaded.flow[0, 1].tolist() == flow_of(2)[0, 1].tolist()


def test_sintel_leaves_out_occluded_pixels_on_demand(tmp_path):
    root = sintel(tmp_path)
    loaded = read_pairs(root, split="clean-noc")[0].load()
    assert np.argwhere(~loaded.valid).tolist() == [[0, 0], [0, 1]]
    for path in sorted((root / "training/occlusions").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    with pytest.raises(FlowError, match=r"pair clean/alley/frame_0001 has no .*occlus"):
        read_pairs(root, split="clean-noc")
    (root / "training/occlusions").rmdir()
    with pytest.raises(FlowError, match="has no folder occlusions, which clean-noc"):
        read_pairs(root, split="clean-noc")


def test_sintel_without_its_masks_counts_every_pixel(tmp_path):
    root = sintel(tmp_path)
    (root / "training/invalid").rename(root / "elsewhere")
    assert read_pairs(root, split="clean")[0].load().valid.all()


def test_gaps_in_sintel_are_named(tmp_path):
    root = sintel(tmp_path)
    (root / "training/flow/cave/frame_0001.flo").unlink()
    with pytest.raises(FlowError, match=r"has no .*flow/cave/frame_0001\.flo"):
        read_pairs(root)
    (root / "training/clean/alley/frame_0002.png").unlink()
    with pytest.raises(
        FlowError, match=r"alley goes from frame_0001\.png to frame_0003"
    ):
        read_pairs(root)


@pytest.mark.parametrize(
    ("pictures", "layout"), [("image_2", "kitti2015"), ("colored_0", "kitti2012")]
)
def test_kitti_goes_from_picture_10_to_11_where_it_was_measured(
    tmp_path, pictures, layout
):
    root = kitti(tmp_path, pictures)
    assert find_layout(root) == (layout, root / "training")
    pairs = read_pairs(root)
    assert [pair.name for pair in pairs] == ["000000", "000001"]
    assert reds(pairs[1]) == (1, 101)
    assert [pair.size() for pair in pairs] == [SIZE, (11, 17)]
    loaded = pairs[1].load()
    assert np.argwhere(~loaded.valid).tolist() == [[0, 0]]
    np.testing.assert_array_equal(loaded.flow[1:], flow_of(1, (11, 17))[1:])
    visible = read_pairs(root / "training", split="noc")[0].load().valid
    assert np.argwhere(~visible).tolist() == [[0, 0], [0, 1]]


def test_gaps_in_kitti_are_named(tmp_path):
    root = kitti(tmp_path)
    (root / "training/flow_occ/000001_10.png").unlink()
    with pytest.raises(FlowError, match=r"pair 000001 has no .*flow_occ/000001_10"):
        read_pairs(root)
    (root / "training/image_2/000000_11.png").unlink()
    with pytest.raises(FlowError, match=r"pair 000000 has no .*image_2/000000_11"):
        read_pairs(root)
    (root / "training/flow_noc").rename(root / "elsewhere")
    with pytest.raises(FlowError, match="has no folder flow_noc"):
        read_pairs(root, split="noc")


@pytest.mark.parametrize(
    "pictures",
    ["other-data", "other-color-twoframes", "other-color-twoframes/other-data"],
)
def test_middlebury_goes_from_frame_10_to_11_of_scenes_with_flow(tmp_path, pictures):
    root = middlebury(tmp_path, pictures)
    assert find_layout(root)[0] == "middlebury"
    pairs = read_pairs(root)
    assert [pair.name for pair in pairs] == ["Urban2", "Venus"]
    assert reds(pairs[1]) == (1, 101)
    loaded = pairs[1].load()
    assert np.argwhere(~loaded.valid).tolist() == [[0, 0]]
    assert np.abs(loaded.flow).max() < 10
    (root / pictures / "Venus/frame11.png").unlink()
    with pytest.raises(FlowError, match=r"pair Venus has no .*Venus/frame11\.png"):
        read_pairs(root)


def test_folders_without_pairs_are_refused(tmp_path):
    with pytest.raises(FlowError, match=r"none does not exist"):
        read_pairs(tmp_path / "none")
    with pytest.raises(FlowError, match=r"holds no flow pairs\. Expected chairs: "):
        read_pairs(tmp_path)
    write_picture(tmp_path / "photo.png", 1)
    with pytest.raises(FlowError, match=r"Expected sintel: clean/ or final/, f"):
        read_pairs(tmp_path, layout="sintel")
    (tmp_path / "clean").mkdir()
    (tmp_path / "flow").mkdir()
    with pytest.raises(FlowError, match=r"holds no flow pairs \(expected clean/"):
        read_pairs(tmp_path)


def test_two_layouts_in_one_folder_must_be_told_apart(tmp_path):
    root = examples(chairs(tmp_path, data=""))
    with pytest.raises(ConfigError, match="holds chairs and chairs-examples: name the"):
        read_pairs(root)
    assert names(root, layout="chairs-examples") == ["a", "b"]


def test_unknown_layouts_and_splits_are_told_with_the_known_ones(tmp_path):
    with pytest.raises(ConfigError, match=r"unknown layout 'chair'\. Choose auto or"):
        read_pairs(chairs(tmp_path / "c"), layout="chair")
    with pytest.raises(ConfigError, match="has one of train, val; received 'test'"):
        read_pairs(tmp_path / "c", split="test")
    with pytest.raises(
        ConfigError, match="chairs-examples, which has no split; receiv"
    ):
        read_pairs(examples(tmp_path), split="train")


def test_every_layout_says_what_it_expects():
    assert all(layout.expected for layout in LAYOUTS.values())
