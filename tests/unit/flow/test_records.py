"""Records hold the data set's own samples, in any order, and damage is named."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from flow.datasets.reading import find_layout, read_pairs
from flow.datasets.record_format import INDEX_FILE, parse_example, read_index
from flow.datasets.record_reading import list_pairs, record_pairs
from flow.datasets.record_writing import check_records, write_records
from flow.flo import write_flo
from flow.records import main
from tests.flow_layouts import SIZE, chairs, examples, kitti, middlebury
from vod.errors import ConfigError, FlowError


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return chairs(tmp_path_factory.mktemp("chairs"), codes="1111111")


@pytest.fixture(scope="module")
def written(data, tmp_path_factory):
    """Records of seven pairs in three shards; copy them before changing them."""
    folder = tmp_path_factory.mktemp("records") / "new"
    write_records(data, folder, shards=3)
    return folder


@pytest.fixture
def records(written, tmp_path):
    for path in written.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def reds(samples):
    return [int(np.asarray(sample[0])[0, 0, 0]) for sample in samples]


def test_pairs_are_dealt_to_shards_in_turn_and_come_back_as_they_were(data, written):
    pairs = list_pairs(written)
    assert [pair.original_name() for pair in pairs] == [
        f"{number:05d}" for number in (1, 4, 7, 2, 5, 3, 6)
    ]
    assert pairs[3].name == "pairs-00001-of-00003.tfrecord:0"
    originals = {pair.name: pair for pair in read_pairs(data)}
    for pair in pairs:
        assert pair.size() == SIZE
        assert_same(pair.load(), originals[pair.original_name()].load())


def test_records_are_a_layout_like_the_others(written):
    assert find_layout(written) == ("records", written)
    assert read_pairs(written) == list_pairs(written)


def test_tf_data_gives_the_same_samples(written):
    samples = list(record_pairs(written))
    for sample, pair in zip(samples, list_pairs(written), strict=True):
        assert_same(sample, pair.load())


def test_shuffling_follows_the_seed_and_differs_between_passes(written):
    stream = record_pairs(written, shuffle=7, seed=3)
    first, second = reds(stream), reds(stream)
    assert sorted(first) == sorted(second) == [1, 2, 3, 4, 5, 6, 7]
    again = record_pairs(written, shuffle=7, seed=3)
    assert [reds(again), reds(again)] == [first, second]
    others = [reds(record_pairs(written, shuffle=7, seed=seed)) for seed in range(4, 8)]
    assert first != second
    assert any(order != first for order in others)


@pytest.mark.parametrize("flow_format", ["png16", "float32"])
@pytest.mark.parametrize("build", [kitti, middlebury])
def test_sizes_and_unknown_pixels_survive(tmp_path, build, flow_format):
    root = build(tmp_path / "data")
    index = write_records(root, tmp_path / "out", shards=1, flow_format=flow_format)
    assert index.largest_rounding_px == 0
    pairs = list_pairs(tmp_path / "out")
    for pair, original in zip(pairs, read_pairs(root), strict=True):
        assert pair.size() == original.size()
        assert_same(pair.load(), original.load())
        assert not pair.load().valid.all()
    for sample, pair in zip(record_pairs(tmp_path / "out"), pairs, strict=True):
        assert_same(sample, pair.load())


def test_the_index_says_what_is_there(written):
    values = json.loads((written / INDEX_FILE).read_text())
    assert values["format"] == "flow-records/1"
    assert (values["layout"], values["split"], values["pairs"]) == ("chairs", None, 7)
    assert [shard["pairs"] for shard in values["shards"]] == [3, 2, 2]
    assert values["shards"][0]["sizes"] == [[*SIZE, 3]]
    files = [written / shard["file"] for shard in values["shards"]]
    assert [path.stat().st_size for path in files] == [
        shard["bytes"] for shard in values["shards"]
    ]
    assert values["bytes"] == sum(path.stat().st_size for path in files)
    assert sorted(path.name for path in written.iterdir()) == sorted(
        [INDEX_FILE, *(path.name for path in files)]
    )


def test_writing_twice_gives_the_same_bytes(data, written, tmp_path):
    assert write_records(data, tmp_path, shards=3) == read_index(written)


def test_a_split_can_be_written(tmp_path):
    root = chairs(tmp_path / "data", codes="1121")
    index = write_records(root, tmp_path / "out", split="val")
    assert (index.split, index.pairs, len(index.shards)) == ("val", 1, 1)
    assert list_pairs(tmp_path / "out")[0].original_name() == "00003"


def test_rounding_is_at_most_half_a_64th_and_stated(tmp_path):
    root = examples(tmp_path / "data", "a")
    flow = np.random.default_rng(0).uniform(-50, 50, (*SIZE, 2)).astype(np.float32)
    write_flo(root / "a-gt.flo", flow)
    index = write_records(root, tmp_path / "out")
    difference = np.abs(list_pairs(tmp_path / "out")[0].load().flow - flow).max()
    assert index.largest_rounding_px == difference
    assert 0 < difference <= 1 / 128
    exact = write_records(root, tmp_path / "exact", flow_format="float32")
    assert exact.largest_rounding_px == 0
    np.testing.assert_array_equal(list_pairs(tmp_path / "exact")[0].load().flow, flow)


def test_flow_beyond_16_bits_needs_the_exact_format(tmp_path):
    root = examples(tmp_path / "data", "a")
    write_flo(root / "a-gt.flo", np.full((*SIZE, 2), 600, np.float32))
    with pytest.raises(FlowError, match=r"^a: .* -512 to 511.*--flow-format float32"):
        write_records(root, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
    write_records(root, tmp_path / "out", flow_format="float32")
    assert list_pairs(tmp_path / "out")[0].load().flow.max() == 600


def test_png_is_kept_as_it_is_unless_decoders_would_differ(tmp_path):
    root = examples(tmp_path / "data", "ab")
    deep = np.full((*SIZE, 3), 300, np.uint16)
    cv2.imwrite(str(root / "b-img0.png"), deep)
    write_records(root, tmp_path / "out", shards=1)
    first, second = list_pairs(tmp_path / "out")
    assert first._fields()["current"] == (root / "a-img0.png").read_bytes()
    assert second._fields()["current"] != (root / "b-img0.png").read_bytes()
    assert_same(second.load(), read_pairs(root)[1].load())
    for sample, pair in zip(
        record_pairs(tmp_path / "out"), (first, second), strict=True
    ):
        assert_same(sample, pair.load())


def test_damage_is_named(records):
    shard = records / "pairs-00001-of-00003.tfrecord"
    content = shard.read_bytes()
    altered = bytearray(content)
    altered[-10] ^= 1  # in a record's content
    shard.write_bytes(altered)
    with pytest.raises(
        FlowError, match=r"00001-of-00003\.tfrecord was altered: its sh"
    ):
        check_records(records)
    altered[1] ^= 1  # in the length of the first
    shard.write_bytes(altered)
    with pytest.raises(FlowError, match=r"00001-of-00003\.tfrecord is damaged: a reco"):
        list_pairs(records)
    shard.write_bytes(content[:-5])
    with pytest.raises(FlowError, match=r"00001-of-00003\.tfrecord has \d+ bytes, the"):
        check_records(records)
    shard.write_bytes(b"text")
    with pytest.raises(
        FlowError, match=r"00001-of-00003\.tfrecord has 4 bytes, the in"
    ):
        list_pairs(records)
    shard.unlink()
    with pytest.raises(
        FlowError, match=r"cannot read records .*00001-of-00003\.tfrecor"
    ):
        list_pairs(records)
    with pytest.raises(FlowError, match=r"00001-of-00003\.tfrecord is not there"):
        record_pairs(records)


def test_a_damaged_pair_is_named(records):
    pair = list_pairs(records)[0]
    content = bytearray(pair.shard.read_bytes())
    content[pair.offset] ^= 0xFF
    pair.shard.write_bytes(content)
    with pytest.raises(FlowError, match=r"pair 0 of .*00000-of-00003\.tfrecord is dam"):
        pair.load()


def rewrite_index(folder, **changes):
    values = json.loads((folder / INDEX_FILE).read_text()) | changes
    (folder / INDEX_FILE).write_text(json.dumps(values))


def test_a_wrong_index_is_named(records):
    shards = json.loads((records / INDEX_FILE).read_text())["shards"]
    rewrite_index(records, pairs=8)
    with pytest.raises(
        FlowError, match=r"records\.json is not an index.*do not add up"
    ):
        read_index(records)
    rewrite_index(records, pairs=7, format="flow-records/9")
    with pytest.raises(
        FlowError, match=r"records\.json .*its format is 'flow-records/9"
    ):
        read_index(records)
    rewrite_index(records, format="flow-records/1", flow_format="text")
    with pytest.raises(FlowError, match="its flow_format is 'text'"):
        read_index(records)
    moved = [shards[0] | {"pairs": 2, "sizes": [[*SIZE, 2]]}, *shards[1:]]
    rewrite_index(records, flow_format="png16", shards=moved, pairs=6)
    with pytest.raises(FlowError, match="holds 3 pairs, the index states 2"):
        list_pairs(records)
    swapped = [shards[0] | {"sizes": [[*SIZE[::-1], 3]]}, *shards[1:]]
    rewrite_index(records, shards=swapped, pairs=7)
    with pytest.raises(
        FlowError, match=r"pair 0 of .* is .*\(12, 16\).*states \(16, 12"
    ):
        list_pairs(records)[0].load()
    (records / INDEX_FILE).write_text("{")
    with pytest.raises(FlowError, match=r"records\.json is not JSON"):
        read_index(records)
    (records / INDEX_FILE).unlink()
    with pytest.raises(
        FlowError, match=r"cannot read .*records\.json: .*to their end\?"
    ):
        check_records(records)


@pytest.mark.parametrize(
    "content", [b"\x0a\x05abc", b"\x08\x01", b"\x80", b"\xff" * 12, b"\x0a\x02\x0a\x00"]
)
def test_what_is_no_example_is_refused(content):
    with pytest.raises((ValueError, KeyError)):
        parse_example(content)


def test_nothing_is_overwritten_and_odd_numbers_are_refused(data, written, tmp_path):
    with pytest.raises(FlowError, match="holds records already"):
        write_records(data, written)
    with pytest.raises(ConfigError, match="7 pairs fill 1 to 7 shards, received 8"):
        write_records(data, tmp_path, shards=8)
    with pytest.raises(ConfigError, match="received 0"):
        write_records(data, tmp_path, shards=0)
    with pytest.raises(
        ConfigError, match=r"unknown flow format 'f16'\. Choose png16 or"
    ):
        write_records(data, tmp_path, flow_format="f16")
    (tmp_path / "file").touch()
    with pytest.raises(FlowError, match=r"cannot make folder .*file/out: Not a direct"):
        write_records(data, tmp_path / "file" / "out")


def test_the_command_writes_and_checks(data, tmp_path, capsys, caplog):
    out = tmp_path / "out"
    arguments = ["write", "--data", str(data), "--out", str(out), "--split", "train"]
    assert main([*arguments, "--shards", "2"]) == 0
    assert main(["check", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == lines[1]
    assert (
        "7 pairs of chairs in 2 shard(s), 0.0 MB, flow rounded by at most 0.0"
        in lines[0]
    )
    assert main([*arguments, "--layout", "sintel"]) == 1
    assert "Expected sintel" in caplog.text


def test_records_are_read_without_tensorflow(written):
    code = (
        "import sys, pathlib; from flow.records import main;"
        f"main(['check', {str(written)!r}]);"
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
