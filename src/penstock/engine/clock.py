"""Time, passed in: one port for durations, one for people's clocks, and a virtual one for simulations."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Protocol

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_QUIET_TURNS = 2  # one turn lets the selector deliver what is already there


class Clock(Protocol):
    """What everything that needs time is given."""

    def monotonic(self) -> float:
        """Seconds that never go back and mean the same in every process of this boot (see `boot_id`)."""
        ...

    def wall(self) -> datetime:
        """The date and time in UTC, aware. For people only: it decides nothing."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; 0 or less yields once."""
        ...


class SystemClock:
    """The machine's own clock. Its seconds go on while the machine sleeps, where the platform can."""

    _source: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))

    def monotonic(self) -> float:
        """Seconds since the machine started."""
        return time.monotonic() if self._source is None else time.clock_gettime(self._source)

    def wall(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Sleep in real time."""
        await asyncio.sleep(max(0.0, seconds))


class VirtualClock:
    """A clock for simulations: when everything on the event loop waits, time jumps to the next sleeper.

    Work outside the loop (a thread, a process) is not seen; put `with clock.hold():` around it.
    """

    def __init__(self, start: float = 0.0, wall: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._wall = wall - timedelta(seconds=start)
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._held = 0
        self._watching: asyncio.AbstractEventLoop | None = None

    def monotonic(self) -> float:
        """Virtual seconds."""
        return self._now

    def wall(self) -> datetime:
        """The start date plus the virtual seconds that have passed."""
        return self._wall + timedelta(seconds=self._now)

    async def sleep(self, seconds: float) -> None:
        """Wait until virtual time has come that far; sleepers wake in the order of their times."""
        if seconds <= 0.0:
            return await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), future))
        self._watch(loop)
        return await future

    def advance(self, seconds: float) -> None:
        """Move time by hand, and wake whoever is due."""
        self._now += seconds
        while (due := self._next()) is not None and due <= self._now:
            self._wake()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep time still while work goes on that the event loop cannot see."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if not self._held and self._next() is not None:
                self._watch(self._sleepers[0][2].get_loop())

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._watching is not loop and not self._held:
            self._watching = loop
            loop.call_soon(self._turn, loop, _QUIET_TURNS)

    def _turn(self, loop: asyncio.AbstractEventLoop, quiet: int) -> None:
        """Once a turn of the loop while somebody sleeps: after `quiet` turns with nothing to run, jump."""
        due = self._next()
        if due is None or self._held:
            self._watching = None
            return
        if _busy(loop):
            quiet = _QUIET_TURNS
        elif quiet > 0:
            quiet -= 1
        else:
            quiet = _QUIET_TURNS
            self._now = max(self._now, due)
            self._wake()
        loop.call_soon(self._turn, loop, quiet)

    def _next(self) -> float | None:
        """When the next sleeper is due; those that were cancelled or whose loop is gone are forgotten."""
        while self._sleepers:
            due, _, future = self._sleepers[0]
            if not future.done() and not future.get_loop().is_closed():
                return due
            heapq.heappop(self._sleepers)
        return None

    def _wake(self) -> None:
        heapq.heappop(self._sleepers)[2].set_result(None)


def _busy(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether the loop has something else to run in its next turn."""
    ready = getattr(loop, "_ready", ())  # asyncio offers no public question for this
    return len(ready) > 0


@lru_cache(maxsize=1)
def boot_id() -> str:
    """A word for this start of the machine: monotonic seconds compare only under the same word."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        import psutil  # only where the kernel offers no boot id

        return f"boot-{round(psutil.boot_time() / 10) * 10}"
