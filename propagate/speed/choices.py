"""What a planner may choose from: network, flow, mode and interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flow.registry import FLOWS
from propagate.config import NO_FLOW, FlowChoice, PipelineConfig, load_pipeline_config
from propagate.parts import Mode
from propagate.speed.work import Work
from propagate.ways import PER_FRAME, Way

INTERVALS: Final = range(1, 31)

ALIASES: Final = frozenset({"dis", "zero"})
"""Flows that are others under a second name: dis-medium, and none."""

FLOW_NAMES: Final = (
    FlowChoice().name,
    *(name for name in FLOWS if name not in ALIASES | {FlowChoice().name}),
)
"""The default first."""


@dataclass(frozen=True, slots=True)
class Base:
    """What the user has fixed.

    Attributes:
        path: a config file, if any.
        settings: `a.b=c`, over that file.
    """

    path: Path | None = None
    settings: tuple[str, ...] = ()

    def config(self, *settings: str) -> PipelineConfig:
        """Give the config with further settings.

        Raises:
            ConfigError: a key, value or range is wrong.
        """
        return load_pipeline_config(self.path, [*self.settings, *settings])

    def flags(self) -> list[str]:
        """Give it as arguments of `run_video.py`."""
        flags = ["--config", str(self.path)] if self.path is not None else []
        for setting in self.settings:
            flags += ["--set", setting]
        return flags


@dataclass(frozen=True, slots=True)
class Network:
    """One form of the detector that can run here.

    Attributes:
        name: for tables.
        settings: of the config, `a.b=c`.
        flags: the same as arguments of `run_video.py`.
        is_offered: nobody asked for its size: it is not worth making graphs for.
    """

    name: str
    settings: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    is_offered: bool = False

    def settings_with(self, flow: str) -> tuple[str, ...]:
        """Give its settings beside a flow, by registry name or none."""
        return (*self.settings, f"flow.name={flow}")


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to run a video.

    Attributes:
        network: of the detector.
        flow: registry name, or `none`.
        mode: causal or offline.
        interval: of key frames; at 1 the detector runs on every frame.
    """

    network: Network
    flow: str
    mode: Mode
    interval: int

    def settings(self) -> list[str]:
        """Give the settings of the config that make it."""
        return [
            *self.network.settings_with(self.flow),
            f"propagate.mode={self.mode}",
            f"propagate.keyframe_interval={self.interval}",
        ]

    def flags(self) -> list[str]:
        """Give the arguments of `run_video.py` that make it."""
        return [
            *self.network.flags,
            *("--keyframe-interval", str(self.interval)),
            *("--mode", self.mode),
            *("--flow", self.flow),
        ]

    def work(self, base: Base, *, writes: bool) -> Work:
        """Give what is timed for it."""
        return Work(self.mode, base.config(*self.settings()), writes=writes)

    def way(self) -> Way:
        """Give what is scored for it."""
        if self.interval == 1:
            return Way(PER_FRAME, None, 1)
        if self.flow == NO_FLOW:
            return Way("hold", None, self.interval)
        return Way(self.mode, self.flow, self.interval)


def kinds_of(
    networks: Sequence[Network], flows: Sequence[str], modes: Sequence[Mode]
) -> list[tuple[Network, str, Mode, Sequence[int]]]:
    """List network, flow, mode and the intervals that make sense together.

    Without flow there is one mode, and it alone has every frame detected.
    """
    kinds: list[tuple[Network, str, Mode, Sequence[int]]] = []
    for network in networks:
        kinds.append((network, NO_FLOW, "causal", INTERVALS[:1]))
        kinds += [
            (network, flow, mode, INTERVALS[1:]) for flow in flows for mode in modes
        ]
        kinds.append((network, NO_FLOW, "causal", INTERVALS[1:]))
    return kinds
