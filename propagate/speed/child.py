"""Do one piece of work in a process of its own, so that its peak memory is its own.

`alone` starts this file as a program, hands it the work as JSON on its standard input
and reads the figures from its standard output.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from propagate.config import PipelineConfig
from propagate.speed.clip import Clip
from propagate.speed.memory import peak_mib
from propagate.speed.work import Work, prepare
from vod.command import print_errors
from vod.config import to_mapping
from vod.errors import ConfigError

MODULE: Final = "propagate.speed.child"


def alone(work: Work, clip: Clip) -> dict[str, Any]:
    """Do the work once in a fresh process.

    Returns:
        `frames`, `seconds` and `cpu_seconds` of the run after loading, and `peak_mib`
        of the whole process.

    Raises:
        ConfigError: it failed there; the reason is passed on.
    """
    task = json.dumps({"work": work.as_mapping(), "clip": asdict(clip)})
    done = subprocess.run(
        [sys.executable, "-m", MODULE],
        input=task,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigError(
            f"'{work.name()}' failed in a process of its own: {_last_line(done.stderr)}"
        )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def start_up(spec: str, config: PipelineConfig, *, repeats: int) -> dict[str, Any]:
    """Time whole runs of one frame: from starting the program to its end.

    Returns:
        `seconds` of every run and their `median_s`.

    Raises:
        ConfigError: a run failed; the reason is passed on.
    """
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(json.dumps(to_mapping(config)), encoding="utf-8")
        command = [sys.executable, "-m", "run_video", spec, "--max-frames", "1"]
        command += ["--output", "none", "--results", str(Path(folder) / "boxes.jsonl")]
        command += ["--quiet", "--config", str(file)]
        for _ in range(repeats + 1):
            started = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            seconds.append(time.perf_counter() - started)
            if done.returncode:
                raise ConfigError(
                    f"a run of one frame failed: {_last_line(done.stderr)}"
                )
    warm = seconds[1:]  # the first one reads the files from disk
    return {
        "seconds": [round(value, 4) for value in warm],
        "median_s": statistics.median(warm),
    }


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else "it said nothing."


@print_errors
def main() -> int:
    """Do what is on standard input; 0 = done, 1 = an error in words."""
    task = json.loads(sys.stdin.read())
    run = prepare(Work.of_mapping(task["work"]), Clip(**task["clip"]))
    wall, process = time.perf_counter(), time.process_time()
    frames = run()
    figures = {
        "frames": frames,
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - process,
        "peak_mib": round(peak_mib(), 1),
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
