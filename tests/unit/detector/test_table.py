import json

import pytest

from detector.table import Half, Row, chosen_heads, format_rows, main
from vod.errors import ConfigError


def test_a_row_tells_of_both_halves():
    first = Half(1_250_000, 0.5, 4.04, 9.0, 7.0)
    row = Row("b", "h", first, Half(500_000, 0.25, 2.0, 9.0, 3.0))
    assert format_rows([row]).splitlines()[-1] == (
        "| b | h | 1.75 | 0.50 | 0.25 | 4.0 | 2.0 | 7.0 | 3.0 |"
    )


def test_a_pair_is_built_counted_and_timed(tmp_path, capsys):
    report = tmp_path / "out.json"
    command = ["--size", "64x96", "--backbones", "mobilenet_v1", "--heads", "fcos"]
    assert main([*command, "--report", str(report)]) == 0
    assert "| mobilenet_v1 | fcos | 3.48 |" in capsys.readouterr().out
    values = json.loads(report.read_text())
    (row,) = values["rows"]
    # Six cells of stride 32, 24 of 16, 96 of 8; 96 channels; see `detector.fcos`.
    tower = 2 * 2 * (9 * 96 + 96 * 96) + (30 + 1 + 4) * 96 + 4
    assert row["second"]["gflops"] == pytest.approx(2e-9 * (6 + 24 + 96) * tower)
    assert 0 < row["features"]["least_ms"] <= row["features"]["median_ms"]
    assert values["environment"]["packages"]["keras"]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--size", "64"], "a size is HEIGHTxWIDTH"),
        (["--backbones", "mobilenet_v9"], "unknown backbone 'mobilenet_v9'"),
        (["--heads", "fcos,sdd"], "unknown head 'sdd'. Did you mean 'ssd'?"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(more, sentence, caplog):
    assert main(more) == 1
    assert sentence in caplog.text


def test_heads_come_in_the_order_of_the_config():
    assert chosen_heads("fcos,ssd") == ("ssd", "fcos")
    with pytest.raises(ConfigError, match="unknown head ''"):
        chosen_heads("")
