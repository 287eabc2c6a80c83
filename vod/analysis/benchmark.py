"""How long every analysis of a result file takes, and how much memory.

`python -m vod.analysis.benchmark --data SET --detections FILE --report out.json`
works through one file (see `python -m vod.dataset synthesise`) in one process.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from vod.analysis.ages import by_age
from vod.analysis.audit import audit
from vod.analysis.bootstrap import RESAMPLES, bootstrap
from vod.analysis.comparison import compare
from vod.analysis.confusion import confuse
from vod.analysis.curves import precision_recall_curves
from vod.analysis.error_split import split_errors
from vod.analysis.ranking import rank
from vod.analysis.sizes import by_size
from vod.analysis.snippets import per_snippet
from vod.analysis.steadiness import measure_steadiness
from vod.command import print_errors
from vod.dataset.reading import read_ground_truth
from vod.evaluation.benchmark import machine
from vod.files import reserved_report
from vod.predictions_reading import read_predictions

T = TypeVar("T")


class Stopwatch:
    """Seconds and peak memory of the steps of one process.

    Attributes:
        rows: one entry a step so far.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def timed(self, name: str, work: Callable[[], T]) -> T:
        """Do a step and note its time and the process's peak memory after it."""
        started = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - started
        # ru_maxrss is in KiB on Linux.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        row = {"step": name, "seconds": round(seconds, 2), "peak_mib": round(peak)}
        self.rows.append(row)
        sys.stderr.write(f"{json.dumps(row)}\n")
        return result


def benchmark(data: Path, detections: Path, *, with_audit: bool) -> dict[str, Any]:
    """Time all analyses of a file.

    Args:
        data: ground truth.
        detections: result file; compared with itself, which takes as long as with
            another.
        with_audit: also time the audit, most of which is pycocotools.

    Raises:
        AnnotationError: a file cannot be read.
    """
    watch = Stopwatch()
    truth = watch.timed("read ground truth", lambda: read_ground_truth(data))
    found = watch.timed("read detections", lambda: read_predictions(detections, truth))
    ranking = watch.timed("match and sort", lambda: rank(truth, found))
    curves = watch.timed("curves", lambda: precision_recall_curves(ranking))
    working = curves.best_scores
    errors = watch.timed("error split", lambda: split_errors(ranking))
    watch.timed("sizes", lambda: by_size(ranking))
    watch.timed("snippets", lambda: per_snippet(ranking))
    watch.timed("ages", lambda: by_age(ranking, key_interval=10))
    watch.timed("confusion", lambda: confuse(ranking, working))
    watch.timed("steadiness", lambda: measure_steadiness(ranking, working))
    confidence = watch.timed("bootstrap", lambda: bootstrap(ranking))
    watch.timed("compare", lambda: compare(ranking, ranking))
    if with_audit:
        watch.timed("audit", lambda: audit(truth, found))
    return {
        "machine": machine(),
        "frames": truth.num_frames,
        "objects": truth.num_objects,
        "detections": len(found),
        "resamples": RESAMPLES,
        "steps": watch.rows,
        "seconds": round(sum(row["seconds"] for row in watch.rows), 1),
        "errors": errors.to_json()["counts"],
        "mAP": confidence.mean_ap.to_json(),
    }


@print_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 = done, 1 = wrong input, 2 = wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m vod.analysis.benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="ground truth")
    parser.add_argument("--detections", type=Path, required=True, help="result file")
    parser.add_argument("--audit", action="store_true", help="also time the audit")
    parser.add_argument("--report", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args(argv)
    with reserved_report(arguments.report) as write_report:
        values = benchmark(
            arguments.data, arguments.detections, with_audit=arguments.audit
        )
        write_report(values)
    sys.stdout.write(json.dumps(values, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
