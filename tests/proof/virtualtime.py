"""An event loop whose time is a number: when everything waits, the clock jumps to whatever is due next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from penstock.engine.clock import VirtualClock

TURNS = 100_000  # of the loop: more than any case needs
INSTANT = 1e-6  # seconds that every turn takes: a wait that rounds to nothing must end too


class NothingDue(RuntimeError):
    """Everything waits for ever, or something goes round without end: the case would never come to rest."""


class LoopClock(VirtualClock):
    """A virtual clock that sleeps on the loop's own timers, so that there is one order of things."""

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual seconds."""
        await asyncio.sleep(max(0.0, seconds))


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs callbacks and timers only: no files, no sockets, no threads."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock, self._selector, self._turns = clock, self, 0
        self.set_exception_handler(lambda loop, context: None)  # the dead leave tasks that nobody asks

    def time(self) -> float:
        """Virtual seconds."""
        return self._clock.monotonic()

    def select(self, timeout: float | None) -> list[Any]:
        """What the base class calls once a turn: the place where time passes."""
        self._turns += 1
        if timeout is None or self._turns > TURNS:
            raise NothingDue(f"after {self._turns} turns, at {self.time():.1f} s")
        self._clock.advance(max(timeout, INSTANT))
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody calls from another thread."""


def run(clock: VirtualClock, main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run `main()` in virtual time. Raises NothingDue when it never comes to rest."""
    loop = VirtualLoop(clock)
    task = loop.create_task(main())
    try:
        return loop.run_until_complete(task)
    finally:
        for left in asyncio.all_tasks(loop):
            left.cancel()
            left._log_destroy_pending = False  # type: ignore[attr-defined]
        loop.close()
