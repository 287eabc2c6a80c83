"""Data sets: `python -m vod.dataset check ROOT`, and what else `--help` names."""

import argparse
import importlib
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from vod.command import print_errors

logger = logging.getLogger(__name__)

# A module has add_arguments(parser) and run(arguments), which gives the exit code; only
# the one that was asked for is imported.
SUB_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "check": ("vod.dataset.check", "say what is missing or broken"),
    "lists": ("vod.dataset.lists", "write the lists that papers train and test on"),
    "convert": ("vod.dataset.convert", "turn COCO-VID, YOLO or MOT into VID layout"),
    "synthesise": ("vod.dataset.synthesise", "generate a set of any size"),
}


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="python -m vod.dataset", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, summary) in SUB_COMMANDS.items():
        commands.add_parser(name, help=summary, add_help=False)
    command = parser.parse_known_args(arguments[:1])[0].command
    module = importlib.import_module(SUB_COMMANDS[command][0])
    own = argparse.ArgumentParser(
        prog=f"python -m vod.dataset {command}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(own)
    parsed = own.parse_args(arguments[1:])
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return int(module.run(parsed) or 0)


if __name__ == "__main__":
    sys.exit(main())
