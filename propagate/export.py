"""Write the networks of a config as a bundle: graphs that other programs can run.

`python -m propagate.export --format litert --precision int8 --size 224x400 --calibrate
CLIP --check-data ROOT --out DIR` writes the detector's two halves and, with --flow
lightflow, the flow, with a manifest, a README and a runner of its own; checks them
against Keras on real frames; and scores videos with boxes before and after. Needs
TensorFlow. See docs/export.md.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from propagate.bundle_graphs import check_combination
from propagate.bundle_writer import BundleRequest, check_place, write_bundle
from propagate.config import load_pipeline_config, refuse_pixels
from propagate.manifest import FORMATS, PRECISIONS, Manifest
from vod.calibration_pictures import read_neighbours
from vod.command import print_errors
from vod.sizes import parse_size

FRAMES: Final = 128
SAMPLE: Final = "sample:bikes"


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m propagate.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="folder to make")
    add("--format", choices=FORMATS, default="litert", help="(litert)")
    add("--precision", choices=PRECISIONS, default="fp32", help="(fp32)")
    add("--size", metavar="HxW", help="of the detector's input (as its weights say)")
    add("--flow", metavar="NAME", help="lightflow, to have it in the bundle")
    add(
        "--calibrate",
        nargs="+",
        default=[SAMPLE],
        metavar="CLIP_OR_FOLDER",
        help=f"real pictures to calibrate and check on ({SAMPLE})",
    )
    add("--frames", type=int, default=FRAMES, metavar="N", help=f"of them ({FRAMES})")
    add("--check-data", type=Path, metavar="ROOT", help="videos with boxes, for mAP")
    add("--split", default="val", help="name of their list (val)")
    add("--config", type=Path, metavar="FILE.yaml")
    add("--set", action="append", default=[], metavar="A.B=C")
    return parser


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    args = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    # TensorFlow's remarks on its own start; errors arrive as exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    manifest = _export(args)
    sys.stdout.write(summary(manifest, args.out))
    return 0


def _export(args: argparse.Namespace) -> Manifest:
    flow = [f"flow.name={args.flow}"] if args.flow else []
    config = load_pipeline_config(args.config, [*args.set, *flow])
    refuse_pixels(config)
    size = parse_size(args.size) if args.size else config.detector.size
    check_combination(args.format, args.precision)
    check_place(args.out)
    request = BundleRequest(
        format=args.format,
        precision=args.precision,
        pairs=read_neighbours(args.calibrate, args.frames),
        size=size,
        check_data=args.check_data,
        split=args.split,
    )
    return write_bundle(config, request, args.out)


def summary(manifest: Manifest, out: Path) -> str:
    """Say what was written, and what it cost."""
    lines = [f"{manifest.format} {manifest.precision} {manifest.size}: {out}"]
    for role, graph in manifest.graphs.items():
        size = sum(path.stat().st_size for path in _files(out / graph.file))
        lines.append(f"  {role:<9} {graph.file:<18} {size / 1e6:6.2f} MB")
    checks = manifest.checks
    found = checks["features"]
    lines.append(
        f"  against Keras on {found['pictures']} pictures: maps differ by "
        f"{found['error']:.1e} of their spread; {found['found_again']} of "
        f"{found['detections']} detections found again"
    )
    if "flow" in checks:
        lines.append(
            f"  flow on {checks['flow']['pairs']} pairs: "
            f"{checks['flow']['mean_difference_px']:.3f} px off on average, of "
            f"{checks['flow']['mean_px']:.2f} px"
        )
    if "map" in checks:
        before, after = checks["map"]["before"], checks["map"]["after"]
        lines += [
            f"  mAP {name}: {before[name]:.4f} before, {after[name]:.4f} after"
            for name in before
        ]
    return "\n".join(lines) + "\n"


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for file in path.rglob("*") if file.is_file()]
    weights = path.with_suffix(".bin")  # of OpenVINO
    return [path, weights] if path.suffix == ".xml" else [path]


if __name__ == "__main__":
    sys.exit(main())
