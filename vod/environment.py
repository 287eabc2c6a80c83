"""On what figures were measured."""

import contextlib
import os
import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = ("ai-edge-litert", "av", "numpy", "opencv-python")

TELLING_FLAGS: Final = (
    "avx2",
    "fma",
    "avx512f",
    "avx_vnni",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_bf16",
    "amx_int8",
    "asimddp",
    "i8mm",
)
"""What decides how fast float32, half-precision and int8 networks run on a CPU."""


def environment(packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Say on what figures were measured, ready for JSON; call it before measuring.

    Args:
        packages: whose versions are told, None where one is not installed.
    """
    commit = _git("rev-parse", "HEAD")
    flags = set((_entry("cpuinfo", "flags", "Features") or "").split())
    memory = _entry("meminfo", "MemTotal")
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _entry("cpuinfo", "model name") or platform.processor(),
        "cpu_count": os.cpu_count(),
        "usable_cpus": usable_cpus(),
        "cpu_flags": [flag for flag in TELLING_FLAGS if flag in flags],
        "memory_mib": int(memory.split()[0]) // 1024 if memory else None,
        "load_average_before": load_average(),
        "commit": commit,
        "uncommitted_changes": _is_changed() if commit else None,
        "packages": {name: _version(name) for name in packages},
    }


def load_average() -> list[float] | None:
    """Give the mean number of busy threads over 1, 5 and 15 minutes, if known."""
    return [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else None


def usable_cpus() -> int | None:
    """Give the number of cores that this process may use, if known."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _is_changed() -> bool:
    return bool(_git("status", "--porcelain", "--untracked-files=no"))


def _git(*arguments: str) -> str | None:
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _entry(file: str, *names: str) -> str | None:
    """Give the first line of a file in `/proc` that states one of the names."""
    with contextlib.suppress(OSError):
        for line in Path("/proc", file).read_text(encoding="utf-8").splitlines():
            if line.startswith(names):
                return line.partition(":")[2].strip()
    return None
