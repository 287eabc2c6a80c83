"""How much memory this process holds, as Linux tells it."""

from pathlib import Path
from typing import Final

from vod.errors import ConfigError

_STATUS: Final = Path("/proc/self/status")
_KIB_A_MIB: Final = 1024


def tells_memory() -> bool:
    """Say whether this system tells how much memory a process holds."""
    return _STATUS.exists()


def resident_mib() -> float:
    """Give the memory that this process holds now, in MiB.

    Raises:
        ConfigError: the system does not tell.
    """
    return _status_mib("VmRSS")


def peak_mib() -> float:
    """Give the most memory that this process has held, in MiB.

    Not `getrusage`: Linux counts there what the starting process held before, too.

    Raises:
        ConfigError: the system does not tell.
    """
    return _status_mib("VmHWM")


def _status_mib(entry: str) -> float:
    if not tells_memory():
        raise ConfigError(
            f"memory is read from {_STATUS}, which this system does not have: measure "
            "it on Linux."
        )
    lines = _STATUS.read_text(encoding="utf-8").splitlines()
    value = next(line for line in lines if line.startswith(f"{entry}:"))
    return int(value.split()[1]) / _KIB_A_MIB
