"""How a command ends: an error that a user can mend is one line, and exit code 1.

A command's `main` returns its exit code: 0 done, 1 an error; argparse exits with 2 when
the usage is wrong. Any other exception is a fault of ours and keeps its traceback.
"""

import functools
import logging
import sys
from collections.abc import Callable
from typing import ParamSpec

from vod.errors import VodError

P = ParamSpec("P")


def log_errors(
    logger: logging.Logger,
) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Let a `main` log a `VodError` as one line and return 1; used as a decorator."""

    def decorate(main: Callable[P, int]) -> Callable[P, int]:
        return _catching(main, lambda error: logger.error("%s", error))

    return decorate


def print_errors(main: Callable[P, int]) -> Callable[P, int]:
    """Let a `main` write a `VodError` to stderr as one line and return 1.

    The line starts with `error: ` and does not depend on how the log is set up.
    """
    return _catching(main, lambda error: sys.stderr.write(f"error: {error}\n"))


def _catching(
    main: Callable[P, int], tell: Callable[[VodError], object]
) -> Callable[P, int]:
    @functools.wraps(main)
    def caught(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return main(*args, **kwargs)
        except VodError as error:
            tell(error)
            return 1

    return caught
