"""Write generated pairs as files: `python -m flow.synthetic --images DIR --out DIR`."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from flow.datasets.reading import read_pairs
from flow.draw import draw_flow
from flow.flo import write_flo, write_whole
from flow.synthetic.displacement import Displacements
from flow.synthetic.pair import SyntheticConfig, SyntheticPair, make_pair
from flow.synthetic.textures import TextureBank, read_textures
from vod.command import print_errors
from vod.config import load_config
from vod.errors import ConfigError, FlowError
from vod.types import ByteArray

SHEET: Final = "contact_sheet.png"
SHEET_ROWS: Final = 6
SHEET_COLUMNS: Final = 2
SHEET_SIDE: Final = 224
"""Pixels across one of a pair's three pictures on the sheet."""


def write_pair(folder: Path, number: int, pair: SyntheticPair) -> None:
    """Write a pair as Flying Chairs has it: `00001_img1.ppm` and so on.

    Args:
        folder: an existing one.
        number: from 1.
        pair: img1 is the current picture, img2 the key picture.

    Raises:
        VideoError: a file cannot be written.
    """
    for name, picture in (("img1", pair.current), ("img2", pair.key)):
        path = folder / f"{number:05d}_{name}.ppm"
        write_whole(path, _encoded(picture, path))
    write_flo(folder / f"{number:05d}_flow.flo", pair.flow)


def contact_sheet(pairs: Sequence[SyntheticPair]) -> ByteArray:
    """Show pairs side by side: current, key, flow (full colour: the longest one)."""
    rows = []
    for pair in pairs:
        parts = [pair.current, pair.key, draw_flow(pair.flow)]
        height = round(SHEET_SIDE * pair.flow.shape[0] / pair.flow.shape[1])
        size = (SHEET_SIDE, height)
        shrunk = [cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in parts]
        rows.append(np.pad(np.hstack(shrunk), ((2, 2), (2, 2), (0, 0))))
    rows += [np.zeros_like(rows[0])] * (-len(rows) % SHEET_COLUMNS)
    columns = [np.vstack(rows[i::SHEET_COLUMNS]) for i in range(SHEET_COLUMNS)]
    return np.hstack(columns)


def generate(
    bank: TextureBank,
    config: SyntheticConfig,
    out: Path,
    *,
    count: int,
    size: tuple[int, int],
    seed: int,
) -> tuple[Displacements, float]:
    """Write pairs and a contact sheet of the first ones.

    Args:
        bank: photographs.
        config: statistics of the scenes.
        out: an existing folder.
        count: of pairs; pair n is the same whatever the count.
        size: height and width.
        seed: of all chance.

    Returns:
        How far things move, and pairs a second of processor time without writing.

    Raises:
        VideoError: a file cannot be written.
    """
    moved, spent = Displacements(), 0.0
    shown: list[SyntheticPair] = []
    for number in range(1, count + 1):
        start = time.process_time()
        rng = np.random.default_rng((seed, number))
        pair = make_pair(bank, config, rng, height=size[0], width=size[1])
        spent += time.process_time() - start
        write_pair(out, number, pair)
        moved.add(pair.flow)
        if len(shown) < SHEET_ROWS * SHEET_COLUMNS:
            shown.append(pair)
    path = out / SHEET
    write_whole(path, _encoded(contact_sheet(shown), path))
    return moved, count / max(spent, 1e-9)


def measure_folder(folder: Path) -> Displacements:
    """Count how far things move in a data set; see `flow.datasets`.

    Raises:
        FlowError: no pairs, or a broken one.
    """
    moved = Displacements()
    for pair in read_pairs(folder):
        loaded = pair.load()
        moved.add(loaded.flow, loaded.valid)
    return moved


def _encoded(rgb: ByteArray, path: Path) -> bytes:
    done, encoded = cv2.imencode(path.suffix, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if not done:
        raise FlowError(f"{path}: a picture of {rgb.shape} could not be encoded.")
    return encoded.tobytes()


def build_parser() -> argparse.ArgumentParser:
    """Build the command line of `python -m flow.synthetic`."""
    parser = argparse.ArgumentParser(prog="python -m flow.synthetic")
    parser.add_argument(
        "--images", type=Path, action="append", required=True, help="photographs"
    )
    parser.add_argument("--out", type=Path, required=True, help="made where missing")
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--size", type=int, nargs=2, default=(384, 512), metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--config", type=Path, help="YAML of `SyntheticConfig`'s fields"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--limit", type=int, default=1000, help="most photographs")
    parser.add_argument(
        "--compare", type=Path, help="a data set of real pairs, to tell its motion too"
    )
    return parser


def run(arguments: argparse.Namespace) -> str:
    """Do what the command line asks; give what it prints.

    Raises:
        VodError: unusable images, config or folder.
    """
    if arguments.count < 1 or min(arguments.size) < 16 or arguments.limit < 1:
        raise ConfigError("--count and --limit must be 1 or more, --size 16 or more.")
    config = load_config(SyntheticConfig, arguments.config, arguments.set)
    bank = read_textures(
        arguments.images, limit=arguments.limit, longest_side=512, seed=arguments.seed
    )
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FlowError(f"cannot make folder {arguments.out}: {error}") from error
    height, width = arguments.size
    moved, rate = generate(
        bank,
        config,
        arguments.out,
        count=arguments.count,
        size=(height, width),
        seed=arguments.seed,
    )
    lines = [
        f"generated: {moved.figures().line()}",
        f"{rate:.1f} pairs/s of processor time at {height}x{width}, writing apart",
        f"contact sheet: {arguments.out / SHEET}",
    ]
    if arguments.compare is not None:
        figures = measure_folder(arguments.compare).figures()
        lines.insert(1, f"{arguments.compare.name}: {figures.line()}")
    return "\n".join(lines) + "\n"


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 an error told in one line."""
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    cv2.setNumThreads(1)
    sys.stdout.write(run(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
