import json

import pytest

from propagate import benchmark
from propagate.benchmark import format_report, main, measure
from tests.builders import write_clip


def test_variants_are_timed_in_turn_and_medians_taken(monkeypatch):
    order = []
    # Begin and end of a, b, a, b, a, b.
    wall = iter([0.0, 1.0, 1.0, 3.0, 3.0, 6.0, 6.0, 8.0, 8.0, 9.0, 9.0, 11.0])
    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: next(wall))
    monkeypatch.setattr(benchmark.time, "process_time", lambda: 0.0)

    def variant(name):
        return lambda: order.append(name) or 10

    rows = measure({"a": variant("a"), "b": variant("b")}, rounds=3)
    assert order == ["a", "b"] * 3
    assert rows["a"]["seconds"] == [1.0, 3.0, 1.0]
    assert rows["a"]["ms_per_frame"] == 100.0
    assert rows["b"]["ms_per_frame"] == 200.0
    assert rows["a"]["fps"] == 10.0


def test_a_report_holds_variants_ratios_and_the_machine(tmp_path, capsys):
    clip = write_clip(tmp_path / "clip.mp4", count=6)
    path = tmp_path / "report.json"
    assert main([str(clip), "--rounds", "1", "--report", str(path)]) == 0
    report = json.loads(path.read_text())
    assert {row["frames"] for row in report["variants"].values()} == {6}
    assert report["environment"]["cpu_count"] >= 1
    assert report["config"]["propagate"]["keyframe_interval"] == 10
    assert set(report["ratios"]) == {
        "propagated / decode",
        "every frame / propagated",
        "written / decode",
    }
    assert capsys.readouterr().out == format_report(report)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["no.mp4"], "cannot find"), (["a.mp4", "--rounds", "0"], "1 or more")],
)
def test_wrong_input_is_one_sentence_and_leaves_no_report(
    arguments, message, tmp_path, capsys
):
    report = tmp_path / "r.json"
    assert main([*arguments, "--report", str(report)]) == 1
    assert message in capsys.readouterr().err
    assert not report.exists()
