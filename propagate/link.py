"""Link the detections of a results file across its frames (Seq-NMS).

`python -m propagate.link found.jsonl --output linked.jsonl` reads JSON lines and writes
them again, rescored by `propagate.linking`. Best made of weak detections too, as by
`run_video.py --score-threshold 0.05`; `--score-threshold` here drops them afterwards.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

from propagate.linking import WINDOW, LinkingConfig, Rows, link_detections
from vod.command import print_errors
from vod.errors import ConfigError
from vod.provenance import Provenance
from vod.results import ResultsWriter
from vod.results_formats import JsonLines
from vod.results_reading import SCHEMA, ResultLine, read_results
from vod.types import Detections


def link_file(
    source: Path,
    target: Path,
    *,
    config: LinkingConfig,
    window: int = WINDOW,
    least_score: float = 0.0,
) -> int:
    """Write the linked detections of one results file to another.

    Args:
        source: `.jsonl` or `.jsonl.gz`.
        target: likewise; may not be `source`.
        config: of linking; is added to the header.
        window: most frames that are linked together and in memory.
        least_score: boxes whose new score is lower are left out.

    Returns:
        Number of frames.

    Raises:
        AnnotationError: the source is no results file.
        ConfigError: both are one file, the target's name ends otherwise, or a number
            is out of range.
        VideoError: the target cannot be written.
    """
    if not target.name.endswith((".jsonl", ".jsonl.gz")):
        raise ConfigError(f"{target} must end in .jsonl or .jsonl.gz.")
    if source.resolve() == target.resolve():
        raise ConfigError(f"{target} would replace what is read; choose another name.")
    if window < 1 or not 0 <= least_score <= 1:
        raise ConfigError(
            "the window must be 1 or more and the score in [0, 1], received "
            f"{window} and {least_score}."
        )
    header, lines = read_results(source)
    facts = {
        "schema": SCHEMA,
        **asdict(header),
        "config": header.config | {"linking": asdict(config) | {"window": window}},
    }
    count = 0
    with ResultsWriter(target, JsonLines(facts, header.classes)) as writer:
        for line in linked_lines(lines, config=config, window=window):
            sure = line.detections.scores >= least_score
            kept = _selected(line, sure.nonzero()[0])
            writer.write(
                kept.frame,
                kept.time_s,
                kept.key_frame,
                kept.detections,
                kept.provenance,
                kept.track_ids,
            )
            count += 1
    return count


def linked_lines(
    lines: Iterable[ResultLine], *, config: LinkingConfig, window: int = WINDOW
) -> Iterator[ResultLine]:
    """Yield the same frames, linked; frames that are left out end all sequences.

    Args:
        lines: of one video, in order.
        config: of linking.
        window: most frames that are linked together and in memory.
    """
    for together in _windows(lines, window):
        found = [line.detections for line in together]
        for line, kept in zip(together, link_detections(found, config), strict=True):
            chosen = _selected(line, kept.rows)
            scored = replace(chosen.detections, scores=kept.scores)
            yield replace(chosen, detections=scored)


def _windows(lines: Iterable[ResultLine], window: int) -> Iterator[list[ResultLine]]:
    together: list[ResultLine] = []
    for line in lines:
        is_gap = together and line.frame != together[-1].frame + 1
        if is_gap or len(together) == window:
            yield together
            together = []
        together.append(line)
    if together:
        yield together


def _selected(line: ResultLine, rows: Rows) -> ResultLine:
    """Give some of a line's detections with all that is told of them."""
    told, tracks = line.provenance, line.track_ids
    found: Detections = line.detections.select(rows)
    return replace(
        line,
        detections=found,
        provenance=None
        if told is None
        else Provenance(*(getattr(told, item.name)[rows] for item in fields(told))),
        track_ids=None if tracks is None else tracks[rows],
    )


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    defaults = LinkingConfig()
    parser = argparse.ArgumentParser(
        prog="python -m propagate.link",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("results", type=Path, metavar="FILE.jsonl", help="of run_video.py, or .gz")
    add("--output", type=Path, required=True, metavar="FILE.jsonl")
    add("--rescore", choices=("mean", "max"), default=defaults.rescore)
    add("--link-iou", type=float, default=defaults.link_iou, metavar="IOU")
    add("--suppress-iou", type=float, default=defaults.suppress_iou, metavar="IOU")
    add("--window", type=int, default=WINDOW, metavar="N", help="frames at once (1000)")
    add("--score-threshold", type=float, default=0.0, metavar="P", help="afterwards")
    return parser


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    args = build_parser().parse_args(argv)
    config = LinkingConfig(args.link_iou, args.suppress_iou, args.rescore)
    count = link_file(
        args.results,
        args.output,
        config=config,
        window=args.window,
        least_score=args.score_threshold,
    )
    sys.stderr.write(f"{count} frames linked.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
