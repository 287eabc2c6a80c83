import logging

import pytest

from vod.command import log_errors, print_errors
from vod.errors import ConfigError

logger = logging.getLogger(__name__)

BOTH = pytest.mark.parametrize("end", [log_errors(logger), print_errors])


def raising(error):
    def main(_argv):
        raise error

    return main


@BOTH
@pytest.mark.parametrize("code", [0, 3])
def test_a_main_gets_its_arguments_and_its_exit_code_passes(end, code):
    seen = []

    @end
    def main(argv=None):
        """Run."""
        seen.append(argv)
        return code

    assert main(["--size", "3"]) == code
    assert main() == code
    assert seen == [["--size", "3"], None]
    assert (main.__name__, main.__doc__) == ("main", "Run.")


def test_a_logged_error_is_one_line_of_the_given_logger_and_exit_code_1(caplog, capsys):
    assert log_errors(logger)(raising(ConfigError("100% wrong: %s.")))([]) == 1
    assert caplog.record_tuples == [(__name__, logging.ERROR, "100% wrong: %s.")]
    assert caplog.records[0].exc_info is None
    assert capsys.readouterr() == ("", "")


def test_a_printed_error_is_one_line_on_stderr_and_exit_code_1(caplog, capsys):
    assert print_errors(raising(ConfigError("100% wrong: %s.")))([]) == 1
    assert capsys.readouterr() == ("", "error: 100% wrong: %s.\n")
    assert not caplog.records


@BOTH
@pytest.mark.parametrize(
    "other", [ValueError("ours"), KeyboardInterrupt(), SystemExit(2)]
)
def test_any_other_exception_passes(end, other, caplog, capsys):
    with pytest.raises(type(other)) as caught:
        end(raising(other))([])
    assert caught.value is other
    assert not caplog.records
    assert capsys.readouterr() == ("", "")
