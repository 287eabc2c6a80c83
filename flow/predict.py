"""Optical flow of two pictures, of a video or of a camera.

`python -m flow.predict a.png b.png --out flow.flo --picture flow.png`
`python -m flow.predict clip.mp4 --output flow.mp4`, `python -m flow.predict 0 --show`
"""

import argparse
import contextlib
import logging
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2

from flow.draw import draw_arrows, draw_flow, stamp_wheel
from flow.evaluation.runner import FlowChoice, FlowRunner
from flow.flo import write_flo, write_whole
from flow.kitti_png import write_kitti_png
from flow.registry import FLOWS
from flow.video import (
    ASSUMED_RATE,
    LEAST_PX,
    VideoLook,
    arrow_scale,
    beside,
    draw_video,
    long_length,
)
from vod.command import print_errors
from vod.display import Display
from vod.engine import ENGINES
from vod.errors import ConfigError, FlowError, VideoError
from vod.files import PendingFile
from vod.images import IMAGE_SUFFIXES, read_image
from vod.sources import open_source
from vod.types import ByteArray, FloatArray
from vod.video import VideoWriter

INTERRUPTED: Final = 130  # what shells report for a program ended by Ctrl-C
FLOW_SUFFIXES: Final = (".flo", ".png")
PICTURE_SUFFIXES: Final = (".png", ".jpg", ".jpeg")

EPILOG = """\
examples:
  python -m flow.predict a.png b.png --out flow.flo --picture flow.png
  python -m flow.predict a.png b.png --out flow.png --flow dis-medium   KITTI's PNG
  python -m flow.predict sample:bikes --output bikes_flow.mp4 --arrows
  python -m flow.predict 0 --show --scale 0.5                           a camera
  python -m flow.predict rtsp://camera/stream --output flow.mp4 --max-frames 500

exit codes: 0 done, 1 something was wrong (one sentence says what), 2 usage,
130 stopped by Ctrl-C (what a video has so far is kept)."""


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flow.predict",
        description="Optical flow of two pictures, from the first to the second, or of "
        "every frame of a video to the next one.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="two pictures; or one video, folder or quoted glob of pictures, camera "
        "number, rtsp:// or http(s):// address, or sample:bikes",
    )
    _add_flow_arguments(parser)
    _add_output_arguments(parser)
    return parser


def _add_flow_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how")
    group.add_argument(
        "--flow",
        default="lightflow",
        metavar="NAME",
        help=f"{', '.join(FLOWS)} (default lightflow)",
    )
    group.add_argument("--weights", type=Path, metavar="DIR", help="of a network")
    group.add_argument(
        "--scale",
        type=float,
        default=1.0,
        metavar="S",
        help="sides of the flow's input / sides of the pictures (default 1.0)",
    )
    group.add_argument(
        "--engine",
        choices=ENGINES,
        default="litert",
        help="what runs a network; tensorflow is the Keras model itself",
    )
    group.add_argument("--threads", type=int, default=2, help="of a network (2)")


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("of two pictures")
    group.add_argument(
        "--out", type=Path, metavar="FILE", help="the flow: .flo, or .png as KITTI's"
    )
    group.add_argument(
        "--picture", type=Path, metavar="FILE", help="its colours: .png or .jpg"
    )
    group = parser.add_argument_group("of a video")
    group.add_argument(
        "--output", type=Path, metavar="FILE.mp4", help="the flow beside the frame"
    )
    group.add_argument("--show", action="store_true", help="the same in a window")
    group.add_argument("--max-frames", type=int, metavar="N", help="stop after N")
    group.add_argument(
        "--distance",
        type=int,
        default=1,
        metavar="N",
        help="flow to the frame N later (default 1)",
    )
    group = parser.add_argument_group("looks")
    group.add_argument(
        "--max-px",
        type=float,
        metavar="PX",
        help="displacement with full colour (default: that of nearly all pixels, which "
        "a video follows slowly)",
    )
    group.add_argument("--arrows", action="store_true", help="draw arrows, too")
    group.add_argument(
        "--no-legend", action="store_true", help="leave out the colour wheel"
    )


def predict(arguments: argparse.Namespace) -> None:
    """Do what the command line asks for.

    Raises:
        VodError: with one sentence for the user.
    """
    if len(arguments.inputs) > 2:
        raise ConfigError(
            "flow is computed of two pictures or of one video, received "
            f"{len(arguments.inputs)} inputs. Name a folder to use all its pictures."
        )
    choice = FlowChoice(
        name=arguments.flow,
        weights=arguments.weights,
        scale=arguments.scale,
        engine=arguments.engine,
        threads=arguments.threads,
    )
    look = VideoLook(
        max_px=arguments.max_px,
        arrows=arguments.arrows,
        legend=not arguments.no_legend,
        distance=arguments.distance,
    )
    if len(arguments.inputs) == 2:
        _predict_pictures(arguments, choice, look)
    else:
        _predict_video(arguments, choice, look)


def _predict_pictures(
    arguments: argparse.Namespace, choice: FlowChoice, look: VideoLook
) -> None:
    _check_picture_outputs(arguments)
    first, second = map(Path, arguments.inputs)
    current, key = read_image(first), read_image(second)
    if current.shape != key.shape:
        raise FlowError(
            f"{first} is {_size(current)} and {second} {_size(key)}: flow needs two "
            "pictures of one size."
        )
    flow = FlowRunner(choice)(current, key)
    if arguments.out is not None:
        is_flo = arguments.out.suffix.lower() == ".flo"
        (write_flo if is_flo else write_kitti_png)(arguments.out, flow)
    if arguments.picture is not None:
        _write_picture(arguments.picture, _draw_picture(flow, look))


def _check_picture_outputs(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be written, before the work begins."""
    if arguments.output is not None or arguments.show:
        raise ConfigError(
            "--output and --show are for a video; two pictures take --out FILE.flo and "
            "--picture FILE.png."
        )
    if arguments.out is None and arguments.picture is None:
        raise ConfigError("name a file to write: --out FILE.flo or --picture FILE.png.")
    if arguments.out == arguments.picture:
        raise ConfigError(f"--out and --picture are both {arguments.out}.")
    for flag, suffixes in (("out", FLOW_SUFFIXES), ("picture", PICTURE_SUFFIXES)):
        path = getattr(arguments, flag)
        if path is None:
            continue
        if path.suffix.lower() not in suffixes:
            raise ConfigError(f"--{flag} {path} must end in {' or '.join(suffixes)}.")
        for given in map(Path, arguments.inputs):
            if path.exists() and given.exists() and path.samefile(given):
                raise ConfigError(f"--{flag} {path} would overwrite the input.")
        PendingFile(path).discard()


def _size(rgb: ByteArray) -> str:
    return f"{rgb.shape[1]} x {rgb.shape[0]} pixels"


def _draw_picture(flow: FloatArray, look: VideoLook) -> ByteArray:
    full_length = look.max_px or max(LEAST_PX, long_length(flow))
    rgb = draw_flow(flow, full_length=full_length)
    if look.arrows:
        rgb = draw_arrows(rgb, flow, enlarged=arrow_scale(rgb, full_length))
    if look.legend:
        stamp_wheel(rgb, full_length)
    return rgb


def _write_picture(path: Path, rgb: ByteArray) -> None:
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(path.suffix.lower(), bgr)
    if not done:
        raise VideoError(f"cannot write {path}: {_size(rgb)} cannot be encoded.")
    write_whole(path, encoded.tobytes())


def _predict_video(
    arguments: argparse.Namespace, choice: FlowChoice, look: VideoLook
) -> None:
    spec = arguments.inputs[0]
    if arguments.out is not None or arguments.picture is not None:
        raise ConfigError(
            "--out and --picture are for two pictures; a video takes --output FILE.mp4 "
            "and --show."
        )
    if Path(spec).suffix.lower() in IMAGE_SUFFIXES and Path(spec).is_file():
        raise ConfigError(f"{spec} is one picture: flow needs two, or a video.")
    if arguments.output is None and not arguments.show:
        raise ConfigError("name what is to come out: --output FILE.mp4 or --show.")
    runner = FlowRunner(choice)
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(open_source(spec, max_frames=arguments.max_frames))
        video = display = None
        if arguments.output is not None:
            writer = VideoWriter(arguments.output, info=beside(source.info))
            video = stack.enter_context(writer)
        if arguments.show:
            display = stack.enter_context(Display(f"flow of {source.info.name}"))

        def show(rgb: ByteArray, time_s: float) -> bool:
            if video is not None:
                video.write(rgb, time_s)
            return display is None or display.show(rgb)

        start = time.perf_counter()
        rate = float(source.info.average_rate or ASSUMED_RATE)
        count = draw_video(source, runner, look, rate=rate, show=show)
        took = time.perf_counter() - start
        for problem in source.problems:
            sys.stderr.write(f"warning: {problem}\n")
        sys.stderr.write(f"{count} frames, {count / took:.1f} frames/s.\n")


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see the exit codes in `--help`."""
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("flow").setLevel(logging.INFO)
    try:
        predict(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("stopped; a video's frames so far are kept and complete.\n")
        return INTERRUPTED
    return 0


def cli() -> None:
    """Enter from the shell; a polite kill is treated like Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())


if __name__ == "__main__":
    cli()
