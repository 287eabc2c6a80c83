import importlib

import pytest

from vod.dataset.__main__ import SUB_COMMANDS, main


@pytest.mark.parametrize("command", SUB_COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main([command, "--help"])
    assert exit_info.value.code == 0
    assert f"python -m vod.dataset {command}" in capsys.readouterr().out


@pytest.mark.parametrize("module", [module for module, _ in SUB_COMMANDS.values()])
def test_every_command_has_its_two_functions(module):
    imported = importlib.import_module(module)
    assert callable(imported.add_arguments)
    assert callable(imported.run)


def test_all_commands_are_listed(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(command in out for command in SUB_COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["cheque"], ["check"], ["check", "a", "b"]])
def test_wrong_usage_is_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2
    assert "usage: python -m vod.dataset" in capsys.readouterr().err
