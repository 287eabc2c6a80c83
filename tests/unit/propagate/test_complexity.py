"""The paper's system counted: by hand, and against the paper's own figures."""

import json
from pathlib import Path

import pytest

from propagate.complexity import PRESETS, load_preset, main
from propagate.complexity_parts import (
    build_parts,
    classifier_parameters,
    flow_gflops_by_area,
    flow_layers,
    gflops_per_frame,
    parameters,
    shares,
)
from propagate.complexity_tables import fit_curve
from propagate.paper_config import PaperConfig
from propagate.paper_tables import FIGURE_4, TABLE_2, TABLE_4, TABLE_5
from vod.config import load_config
from vod.errors import ConfigError

# The counts that the paper's figure 4 follows (docs/paper_complexity.md).
SMALL_ROWS = ("alpha_0.75_beta_0.75", "alpha_0.75_beta_0.50", "alpha_0.50_beta_0.50")


def test_the_parts_of_the_largest_model_by_hand():
    parts = {part.name: part for part in build_parts(PaperConfig())}
    cells = 14 * 25
    gru = 6 * 9 * 128 * 128
    assert parts["aggregation"].parameters == gru + 3 * 128
    assert parts["aggregation"].gflops == pytest.approx(2e-9 * cells * gru)
    maps = 128 * 256 + 128 * 490
    assert parts["head's maps"].gflops == pytest.approx(2e-9 * cells * maps)
    rest = cells * 256 * 12 * 6 + 300 * 490 * (31 + 4)
    assert parts["rest of the head"].gflops == pytest.approx(2e-9 * rest)
    runs = {name: part.runs for name, part in parts.items()}
    assert runs == {
        "feature network": "key",
        "aggregation": "key",
        "head's maps": "key",
        "rest of the head": "every",
        "flow": "every",
    }


def test_a_frame_takes_its_share_of_the_key_frame():
    config = PaperConfig()
    key, every = shares(config)
    assert gflops_per_frame(config, 1) == pytest.approx(key + every)
    assert gflops_per_frame(config, 10) == pytest.approx(key / 10 + every)


def test_without_aggregation_key_frames_need_no_flow():
    config = PaperConfig(aggregation=None)
    parts = {part.name: part.gflops for part in build_parts(config)}
    detector = parts["feature network"] + parts["head's maps"]
    detector += parts["rest of the head"]
    assert gflops_per_frame(config, 1) == pytest.approx(detector)
    expected = (detector + 3 * (parts["flow"] + parts["rest of the head"])) / 4
    assert gflops_per_frame(config, 4) == pytest.approx(expected)


def test_a_single_frame_detector_takes_the_same_at_any_interval():
    config = load_preset("single_alpha_0.50")
    assert gflops_per_frame(config, 1) == gflops_per_frame(config, 10)
    assert flow_gflops_by_area(config) == 0


@pytest.mark.parametrize("row", [*TABLE_5, *TABLE_4], ids=lambda row: row.name)
def test_parameters_with_the_classifier_are_the_papers(row):
    config = load_preset(row.preset)
    ours = (parameters(config) + classifier_parameters(config)) / 1e6
    # Printed to 0.1 M; ours hold normalisation's statistics as well. Measured: at most
    # 0.17 M, in the row whose sum of printed parts (5.6 + 1.4 + 0.9) is 0.1 M off too.
    assert ours == pytest.approx(row.parameters, abs=0.2)


@pytest.mark.parametrize("row", [*TABLE_5, *TABLE_4], ids=lambda row: row.name)
def test_gflops_are_the_papers_within_five_percent(row):
    ours = gflops_per_frame(load_preset(row.preset), 10, flow="area")
    if row.preset not in SMALL_ROWS:
        assert ours == pytest.approx(row.gflops, rel=0.05)
        return
    # 0.23, 0.20 and 0.11 are cut after two digits: the next printed step is 4 % to 9 %
    # away. Figure 4 has these rows with more digits.
    key, every = fit_curve(FIGURE_4[row.preset])
    assert ours == pytest.approx(key / 10 + every, rel=0.05)
    assert row.gflops < ours < row.gflops + 0.015


@pytest.mark.parametrize("row", TABLE_2, ids=lambda row: row.name)
def test_the_flow_network_alone_is_table_2s(row):
    layers = flow_layers(load_preset(row.preset).flow, 384, 512)
    gflops = 2e-9 * sum(layer.multiply_adds for layer in layers)
    assert gflops == pytest.approx(row.gflops, abs=0.005)
    stored = sum(layer.parameters for layer in layers) / 1e6
    assert stored == pytest.approx(row.parameters, abs=0.06)


@pytest.mark.parametrize("preset", FIGURE_4)
def test_the_shares_are_those_of_figure_4(preset):
    key, every = fit_curve(FIGURE_4[preset])
    ours = shares(load_preset(preset), flow="area")
    # Measured: at most 2.0 % and 2.7 %.
    assert ours == pytest.approx((key, every), rel=0.03)


def test_a_curve_is_fitted_exactly_whatever_lies_at_interval_10():
    points = [(1 / (2 / n + 0.1), 50.0) for n in range(1, 21)]
    points[9] = (99.0, 50.0)
    assert fit_curve(points) == pytest.approx((2, 0.1))


def test_every_preset_loads_and_every_row_has_one():
    recipes = {"vid", "vid_single", "seven_classes", "seven_classes_video"}
    names = {path.stem for path in PRESETS.glob("*.yaml")} - recipes
    rows = {row.preset for row in (*TABLE_2, *TABLE_4, *TABLE_5)} | set(FIGURE_4)
    assert rows == names
    for name in names:
        load_config(PaperConfig, PRESETS / f"{name}.yaml")


def test_the_command_writes_a_report(tmp_path, capsys):
    report = tmp_path / "out.json"
    config = PRESETS / "alpha_0.50_beta_0.50.yaml"
    arguments = ["--config", str(config), "--keyframe-interval", "4"]
    assert main([*arguments, "--report", str(report)]) == 0
    values = json.loads(report.read_text())
    assert values["keyframe_interval"] == 4
    assert values["gflops_per_frame"] == values["gflops_per_frame_by_interval"][3]
    assert values["parameters"] == sum(p["parameters"] for p in values["parts"])
    assert values["config"]["flow"]["width"] == 0.5
    assert "GFLOPs a frame at key-frame interval 4" in capsys.readouterr().out


def test_the_command_puts_the_tables_beside_ours_and_draws_the_figure(tmp_path, capsys):
    figure = tmp_path / "figure.png"
    override = ["--set", "flow.negative_slope=0.2"]  # of no row's arithmetic
    assert main(["--table", "--plot", str(figure), *override]) == 0
    out = capsys.readouterr().out
    assert out.count("single frame, alpha") == 3
    assert "GRU, 256-d" in out
    assert "Light Flow, beta 0.5" in out
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_an_override_reaches_every_row_that_has_the_part():
    changed = load_preset("alpha_1.00_beta_1.00", ["detector.rpn_kernel=3"])
    plain = load_preset("alpha_1.00_beta_1.00")
    extra = 8 * 128 * 256  # nine taps instead of one
    assert parameters(changed) - parameters(plain) == extra
    assert load_preset("single_alpha_1.00", ["flow.width=0.5"]).flow is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "missing.yaml"], "cannot read config missing.yaml"),
        (["--table", "--keyframe-interval", "0"], "must be at least 1, received 0"),
        (["--table", "--set", "detector.rpn_kernal=3"], "Did you mean 'rpn_kernel'"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message, caplog):
    assert main(arguments) == 1
    assert message in caplog.text


@pytest.mark.parametrize("arguments", [[], ["--table", "--report", "x.json"]])
def test_bad_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "--" in capsys.readouterr().err
    assert not Path("x.json").exists()


def test_aggregation_without_flow_is_refused():
    with pytest.raises(ConfigError, match="aggregation needs a flow"):
        PaperConfig(flow=None)
    with pytest.raises(ConfigError, match="flow_shrink must be at least 1, received 0"):
        PaperConfig(flow_shrink=0)


@pytest.mark.parametrize("row", TABLE_5, ids=lambda row: row.name)
def test_pictures_384_wide_fit_every_row_of_table_5_as_they_are_built(row):
    # The other reading of the input: 12 whole cells of stride 32, nothing rounds up.
    config = load_preset(row.preset, ["detector.input_width=384"])
    assert gflops_per_frame(config, 10) == pytest.approx(row.gflops, rel=0.05)
