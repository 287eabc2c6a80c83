import json
from dataclasses import replace

import cv2
import pytest

from propagate import benchmark
from propagate.benchmark import main
from tests.builders import make_picture, names_in, write_clip

FRAMES = 24


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", count=FRAMES)


def test_a_comparison_holds_variants_ratios_and_the_machine(clip, tmp_path, capsys):
    path, picture = tmp_path / "report.json", tmp_path / "report.png"
    arguments = [str(clip), "--rounds", "2", "--no-memory", "--report", str(path)]
    assert main([*arguments, "--plot", str(picture)]) == 0
    report = json.loads(path.read_text())
    assert list(report["variants"]) == [
        "decode, bitstream only",
        "decode, to RGB",
        "decode + encode H.264",
        "detector on every frame, litert",
        "causal",
        "offline",
        "causal, H.264 written",
        "offline, H.264 written",
    ]
    assert {row["frames"] for row in report["variants"].values()} == {FRAMES}
    assert {len(row["seconds"]) for row in report["variants"].values()} == {2}
    assert set(report["ratios"]) == {
        *(
            f"{mode} / {other}"
            for mode in ("causal", "offline")
            for other in (
                "decode, bitstream only",
                "decode, to RGB",
                "detector on every frame, litert",
            )
        ),
        "causal, H.264 written / decode + encode H.264",
        "offline, H.264 written / decode + encode H.264",
    }
    assert "features" in report["variants"]["causal"]["stages"]
    assert "encode" in report["variants"]["offline, H.264 written"]["stages"]
    assert report["input"]["name"] == "clip.mp4"
    assert report["environment"]["cpu_count"] >= 1
    assert report["config"]["propagate"]["keyframe_interval"] == 10
    assert picture.read_bytes().startswith(b"\x89PNG")
    text = capsys.readouterr().out
    assert "causal / decode, to RGB" in text
    assert "ms a frame by stage" in text


def test_an_every_frame_rival_is_left_out_where_nobody_asks_for_it(clip, tmp_path):
    path = tmp_path / "report.json"
    arguments = [str(clip), "--rounds", "1", "--no-memory", "--max-frames", "4"]
    assert main([*arguments, "--against", "", "--report", str(path)]) == 0
    report = json.loads(path.read_text())
    assert not [name for name in report["variants"] if "every frame" in name]
    assert {row["frames"] for row in report["variants"].values()} == {4}


def test_pixels_are_a_size_that_suits_the_clip(clip, tmp_path):
    path = tmp_path / "report.json"
    arguments = [str(clip), "--rounds", "1", "--no-memory", "--max-frames", "4"]
    pixels = ["--set", "detector.pixels=7000", "--report", str(path)]
    assert main([*arguments, *pixels]) == 0
    detector = json.loads(path.read_text())["config"]["detector"]
    assert (detector["size"], detector["pixels"]) == ([76, 76], None)  # 4:3: a square


def test_maps_travel_in_mode_causal_alone(clip, tmp_path):
    path = tmp_path / "report.json"
    arguments = [str(clip), "--rounds", "1", "--no-memory", "--max-frames", "4"]
    maps = ["--set", "propagate.travels=maps", "--report", str(path)]
    assert main([*arguments, *maps]) == 0
    names = json.loads(path.read_text())["variants"]
    assert "causal" in names
    assert "offline" not in names


def test_precisions_stand_side_by_side_and_are_compared_with_their_own_kind(
    clip, tmp_path
):
    path = tmp_path / "report.json"
    arguments = [str(clip), "--rounds", "1", "--no-memory", "--max-frames", "4"]
    both = ["--precision", "fp32,int8", "--report", str(path)]
    assert main([*arguments, *both]) == 0
    report = json.loads(path.read_text())
    own = [f"{name}, {p}" for p in ("fp32", "int8") for name in ("causal", "offline")]
    assert set(own) < set(report["variants"])
    every = "detector on every frame, litert"
    assert f"causal, int8 / {every}, int8" in report["ratios"]
    assert f"causal, int8 / {every}, fp32" not in report["ratios"]
    assert "causal, int8 / decode, to RGB" in report["ratios"]
    assert report["precisions"] == ["fp32", "int8"]


def test_a_folder_of_pictures_has_no_bitstream_to_decode_alone(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(3):
        cv2.imwrite(str(folder / f"{index}.png"), make_picture(index))
    path = tmp_path / "report.json"
    arguments = [str(folder), "--rounds", "1", "--no-memory", "--report", str(path)]
    assert main(arguments) == 0
    assert next(iter(json.loads(path.read_text())["variants"])) == "decode, to RGB"


def test_a_soak_run_reports_memory_growth_and_speed(clip, tmp_path, capsys):
    path, picture = tmp_path / "soak.json", tmp_path / "soak.png"
    arguments = [str(clip), "--soak", "60", "--report", str(path)]
    assert main([*arguments, "--plot", str(picture)]) == 0
    soak = json.loads(path.read_text())["soak"]
    assert [row["frame"] for row in soak["samples"]] == list(range(6, 61, 6))
    assert soak["frames"] == 60
    assert soak["warm_up_frames"] == 6
    assert picture.exists()
    assert "growth after frame 6" in capsys.readouterr().out


def test_curves_hold_a_row_a_point_and_a_picture_each(clip, tmp_path, monkeypatch):
    monkeypatch.setattr("propagate.speed.curves.INTERVALS", (1, 5))
    monkeypatch.setattr("propagate.speed.curves.BOXES", (0, 7))
    path, picture = tmp_path / "curves.json", tmp_path / "curves.png"
    arguments = [str(clip), "--curves", "interval,boxes", "--rounds", "1"]
    arguments += ["--no-memory", "--report", str(path), "--plot", str(picture)]
    assert main(arguments) == 0
    curves = json.loads(path.read_text())["curves"]
    assert curves["interval"]["points"] == [1, 5]
    rows = curves["boxes"]["series"]["offline"]
    assert [row["frames"] for row in rows] == [FRAMES, FRAMES]
    assert rows[0]["boxes_per_frame"] == 0
    assert rows[1]["boxes_per_frame"] > 5
    written = [name for name in names_in(tmp_path) if name.endswith(".png")]
    assert written == ["curves_boxes.png", "curves_interval.png"]


def test_curves_over_frames_and_sizes_decode_what_they_say(clip, tmp_path, monkeypatch):
    monkeypatch.setattr("propagate.speed.curves.TIMES", (1, 2))
    monkeypatch.setattr("propagate.speed.curves.HEIGHTS", (32, 96))
    path = tmp_path / "curves.json"
    arguments = [str(clip), "--curves", "frames,resolution", "--rounds", "1"]
    assert main([*arguments, "--no-memory", "--report", str(path)]) == 0
    curves = json.loads(path.read_text())["curves"]
    frames = curves["frames"]["series"]["causal"]
    assert [row["frames"] for row in frames] == [FRAMES, 2 * FRAMES]
    assert curves["resolution"]["points"] == [32, 96]
    assert set(curves["resolution"]["series"]) >= {"causal", "decode, to RGB"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.mp4"], "cannot find no.mp4"),
        (["{clip}", "--rounds", "0"], "--rounds must be 1 or more, received 0"),
        (["{clip}", "--against", "opencv"], "Did you mean 'opencv-dnn'"),
        (["{clip}", "--curves", "boxs"], "Did you mean 'boxes'"),
        (["{clip}", "--soak", "3"], "needs 20 frames or more, received 3"),
        (["{clip}", "--precision", "int4"], "engine.precision cannot be 'int4'"),
        (["{clip}", "--precision", "fp32,int8", "--soak", "20"], "one --precision at"),
        (["{clip}", "--write"], "--write belongs to --soak"),
        (["{clip}", "--keyframe-interval", "0"], "must be 1 or more"),
        (["{clip}", "--plot", "{folder}/none/a.png"], "create it first"),
        (["{folder}/text.mp4"], "is not a video that FFmpeg can read"),
    ],
)
def test_wrong_input_is_one_sentence_and_leaves_no_report(
    arguments, message, clip, tmp_path, capsys
):
    (tmp_path / "text.mp4").write_text("hello")
    filled = [text.format(clip=clip, folder=tmp_path) for text in arguments]
    report = tmp_path / "r.json"
    assert main([*filled, "--report", str(report)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert names_in(tmp_path) == ["clip.mp4", "text.mp4"]


def test_a_live_source_cannot_be_measured(clip, monkeypatch, capsys):
    real = benchmark.open_source

    def live(spec, **options):
        source = real(spec, **options)
        source.info = replace(source.info, is_live=True)
        return source

    monkeypatch.setattr(benchmark, "open_source", live)
    assert main([str(clip)]) == 1
    assert "is live and cannot be read again" in capsys.readouterr().err
