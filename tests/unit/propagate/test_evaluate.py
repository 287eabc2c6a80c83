import pytest

from propagate.evaluate import add_recovery, format_table, main, recovery


@pytest.mark.parametrize(
    ("propagated", "expected"), [(0.8, 1.0), (0.5, 0.0), (0.65, 0.5), (0.35, -0.5)]
)
def test_recovery_is_the_share_of_the_loss_won_back(propagated, expected):
    assert recovery(propagated, hold=0.5, every_frame=0.8) == pytest.approx(expected)


def test_recovery_is_undefined_where_holding_loses_nothing():
    assert recovery(0.5, hold=0.5, every_frame=0.5) is None


def test_recovery_is_added_where_its_two_figures_are_known():
    rows = [
        {"flow": "none", "keyframe_interval": 1, "map": 0.8},
        {"flow": "none", "keyframe_interval": 10, "map": 0.4},
        {"flow": "lightflow", "keyframe_interval": 10, "map": 0.7},
        {"flow": "lightflow", "keyframe_interval": 20, "map": 0.2},
    ]
    add_recovery(rows)
    assert rows[2]["recovery"] == pytest.approx(0.75)
    assert "recovery" not in rows[3]
    assert "0.75" in format_table(rows)


def test_a_missing_data_root_is_one_sentence(tmp_path, capsys):
    code = main(["--data", str(tmp_path), "--report", str(tmp_path / "r.json")])
    assert code == 1
    assert "val.txt" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
