"""What the processes of a run cost: processor time and memory, summed over whole process trees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.engine.clock import Clock

if TYPE_CHECKING:
    import psutil

_MEBIBYTE = float(1 << 20)


@dataclass(frozen=True, slots=True)
class Usage:
    """One sample. `cpu_percent` since the sample before (100 = one core), `rss_mb` in MiB now,
    `cpu_seconds` since the meter began."""

    cpu_percent: float = 0.0
    rss_mb: float = 0.0
    cpu_seconds: float = 0.0


class Meter:
    """Samples process trees. Time that a process spent before the first sample is not counted."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base: dict[psutil.Process, float] | None = None
        self._seen: dict[psutil.Process, float] = {}
        self._last: tuple[float, float] | None = None
        self._peak = Usage()

    def sample(self, pids: Iterable[int]) -> Usage:
        """Look at the processes `pids` and all below them; those that have vanished count what they had."""
        memory = 0
        for process in _trees(pids):
            measured = _measure(process)
            if measured is not None:
                self._seen[process] = measured[0]
                memory += measured[1]
        if self._base is None:
            self._base = dict(self._seen)
        usage = self._usage(memory)
        self._peak = Usage(
            max(self._peak.cpu_percent, usage.cpu_percent),
            max(self._peak.rss_mb, usage.rss_mb),
            usage.cpu_seconds,
        )
        return usage

    def peaks(self) -> dict[str, float]:
        """The highest `cpu_percent` and `rss_mb` of any sample, and the `cpu_seconds` up to the last one."""
        peak = self._peak
        return {
            "cpu_percent": round(peak.cpu_percent, 1),
            "rss_mb": round(peak.rss_mb, 1),
            "cpu_seconds": round(peak.cpu_seconds, 3),
        }

    def _usage(self, memory: int) -> Usage:
        base = self._base or {}
        spent = sum(seconds - base.get(process, 0.0) for process, seconds in self._seen.items())
        now = self._clock.monotonic()
        percent = 0.0
        if self._last is not None and now > self._last[0]:
            percent = 100.0 * (spent - self._last[1]) / (now - self._last[0])
        self._last = (now, spent)
        return Usage(max(0.0, percent), memory / _MEBIBYTE, spent)


def _trees(pids: Iterable[int]) -> set[psutil.Process]:
    import psutil  # a tenth of what a start of the driver imports, and needed only where there are children

    found: set[psutil.Process] = set()
    for pid in set(pids):
        try:
            root = psutil.Process(pid)
            found |= {root, *root.children(recursive=True)}
        except psutil.Error:
            continue  # it has ended since the caller looked
    return found


def _measure(process: psutil.Process) -> tuple[float, int] | None:
    """Processor seconds and resident bytes; None when the process has ended or may not be looked at."""
    import psutil

    try:
        with process.oneshot():
            times = process.cpu_times()
            return times.user + times.system, process.memory_info().rss
    except psutil.Error:
        return None
