"""A driver of this process over the durable ledger: recover first, then drive."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, OperationalError
from filelock import FileLock, Timeout

from penstock.config import Config
from penstock.engine.clock import Clock, SystemClock
from penstock.engine.errors import Refused
from penstock.engine.ids import ProcessIdentity, RandomIds
from penstock.engine.lanes import Lanes
from penstock.engine.loop import Driver
from penstock.ledger import retention, schedule, sweep
from penstock.ledger.store import DjangoLedger

_UNWRITABLE = re.compile(r"disk is full|readonly database|disk I/O error|unable to open database", re.IGNORECASE)
SWEEP = 5.0  # seconds between two looks for lost holders
MINUTE = 60.0  # seconds between two looks at the schedules
DAY = 86400.0  # seconds between two looks for runs that need not be kept
log = logging.getLogger(__name__)


def ledger_of(config: Config, clock: Clock | None = None) -> DjangoLedger:
    """The ledger as this process holds it."""
    return DjangoLedger(clock or SystemClock(), ProcessIdentity.me(), config.lease_seconds)


def live_driver(config: Config) -> FileLock | None:
    """The lock that says this process serves the home; None when another live process holds it."""
    config.home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(str(config.home / "driver.lock"), timeout=1)  # a killed driver's child may hold it a moment
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def drive(
    config: Config,
    *,
    only: str | None = None,
    forever: bool = False,
    started: Callable[[Callable[[], None]], None] | None = None,
    interruptible: bool = True,
) -> bool:
    """Recover, then drive the open runs (or `only` one) to rest. Answers False when it was stopped by a signal.

    `started` is given a function that stops the driver from another thread. Raises Refused when another process
    serves the home."""
    lock = live_driver(config)
    if lock is None:
        raise Refused("another Penstock process serves this home; follow the run there, or stop that process first")
    try:
        return asyncio.run(_drive(config, only, forever, started, interruptible))
    finally:
        lock.release()


async def _drive(config: Config, only: str | None, forever: bool, started: Any, interruptible: bool) -> bool:
    clock = SystemClock()
    ledger = ledger_of(config, clock)
    loop, stopped = asyncio.get_running_loop(), list[int]()
    drivers: list[Driver] = []  # one, and its successor after a database error

    def stop() -> None:
        for driver in drivers:
            driver.stop()

    with ThreadPoolExecutor(1, thread_name_prefix="ledger") as database:
        call = _caller(database, stopped)
        await call(sweep.recover, ledger)
        if interruptible:
            _listen(loop, stop, stopped)
        if started:
            started(lambda: loop.call_soon_threadsafe(stop))
        beside = [asyncio.ensure_future(_sweep(call, ledger, clock))]
        beside += [asyncio.ensure_future(_retain(call, config, clock))] if forever else []
        beside += [asyncio.ensure_future(_ring(call, clock))] if forever else []
        try:
            going = True
            while going:
                lanes = Lanes(config.lanes, clock)
                drivers[:] = [Driver(ledger, lanes, clock, call=call, lease=config.lease_seconds)]
                going = await _went_wrong(drivers[0], call, only, forever) and forever and not stopped
        finally:
            for task in beside:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await call(_close_connection)
    return not stopped


def _caller(database: ThreadPoolExecutor, stopped: list[int]) -> Callable[..., Any]:
    """Calls in the one thread of the ledger, which wait as long as another process keeps the database to itself."""
    loop = asyncio.get_running_loop()

    async def call(function: Callable[..., Any], *args: Any) -> Any:
        while True:
            try:
                return await loop.run_in_executor(database, function, *args)
            except OperationalError as error:
                if stopped or "locked" not in str(error):
                    raise
                log.warning("another process does not let go of the database; trying again")

    return call


async def _went_wrong(driver: Driver, call: Any, only: str | None, forever: bool) -> bool:
    """Drive; True when the database could not be written, and its runs were ended for that."""
    try:
        await driver.drive(only=only, forever=forever)
    except DatabaseError as error:
        await call(_end_runs, driver.ledger, only, error)
        return True
    return False


def _end_runs(ledger: Any, only: str | None, error: DatabaseError) -> None:
    """A database that cannot be written blocks its runs. Raises what it is given when that cannot be written either:
    then they stand as they are, and the next start takes them up."""
    if not _UNWRITABLE.search(str(error)):
        raise error
    for run in [only] if only else ledger.runs():
        ledger.block(
            run, f"the database cannot be written ({error}): make room or allow it, then start again", "database"
        )
        if not ledger.rest(run).finished:
            raise error


def _listen(loop: asyncio.AbstractEventLoop, stop: Callable[[], None], got: list[int]) -> None:
    """SIGINT and SIGTERM stop the driver in good order; it can be resumed. Their numbers are added to `got`."""

    def heard(number: int) -> None:
        got.append(number)
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows has no such hook: there Ctrl-C raises KeyboardInterrupt
            loop.add_signal_handler(number, heard, number)


async def _sweep(call: Any, ledger: DjangoLedger, clock: Clock) -> None:
    """Now and then for as long as the driver lives: an error now does not end it."""
    while True:
        await clock.sleep(SWEEP)
        try:
            await call(sweep.free_expired, ledger)
        except DatabaseError as error:
            log.warning("the look for lost holders failed, and comes again: %s", error)


async def _retain(call: Any, config: Config, clock: Clock) -> None:
    """Once a day what is past `keep_days` and `keep_runs` goes, a step at a time between the driver's own calls."""
    rule = retention.Rule(config.keep_days, config.keep_runs)
    while True:
        try:
            steps = retention.prune(rule, clock.wall())
            while await call(next, steps, None) is not None:
                pass
        except DatabaseError as error:
            log.warning("retention stopped, and goes on tomorrow: %s", error)
        await clock.sleep(DAY)


async def _ring(call: Any, clock: Clock) -> None:
    """Once a minute the schedules are looked at; what they start is driven here like any other run."""
    while True:
        try:
            await call(schedule.check, clock, RandomIds())
        except DatabaseError as error:
            log.warning("the look at the schedules failed, and comes again: %s", error)
        await clock.sleep(MINUTE)


def _close_connection() -> None:
    from django.db import connection

    connection.close()
