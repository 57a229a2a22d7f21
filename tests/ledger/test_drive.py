from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection

from penstock import config
from penstock.engine.clock import SystemClock, VirtualClock
from penstock.engine.errors import Refused
from penstock.ledger import drive, schedule
from penstock.oracle import examine
from tests.conformance import plant


@contextmanager
def kept_by_another(base: Path, seconds: float) -> Iterator[None]:
    """Somebody begins to write and does not end it for some seconds."""
    with closing(sqlite3.connect(base, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        free = threading.Timer(seconds, lambda: other.execute("ROLLBACK"))
        free.start()
        try:
            yield
        finally:
            free.join()


def test_a_database_that_another_keeps_to_itself_is_waited_for(
    store: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
    run = store.start(plant.pipeline(), [""] * 3)
    with kept_by_another(Path(connection.settings_dict["NAME"]), 0.6):
        assert drive.drive(config.current(), only=run, interruptible=False)
    assert {row["state"] for row in store.rows().values()} == {"waiting"}
    assert "does not let go of the database" in caplog.text
    assert examine(deep=True) == []


def test_a_home_that_another_serves_is_refused(store: Any) -> None:
    lock = drive.live_driver(config.current())
    assert lock is not None
    with lock, pytest.raises(Refused, match="another Penstock process serves this home"):
        drive.drive(config.current(), interruptible=False)


def test_a_look_for_lost_holders_that_fails_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    async def call(function: Any, *args: Any) -> None:
        looks.append(1)
        if len(looks) < 3:
            raise DatabaseError("disk I/O error")
        raise asyncio.CancelledError

    monkeypatch.setattr(drive, "SWEEP", 0.0)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(drive._sweep(call, None, SystemClock()))  # type: ignore[arg-type]
    assert len(looks) == 3


def test_the_schedules_are_looked_at_each_minute_and_an_error_does_not_end_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, looks = VirtualClock(), list[float]()

    async def call(function: Any, *args: Any) -> None:
        assert function is schedule.check
        looks.append(clock.monotonic())
        if len(looks) == 2:
            raise DatabaseError("disk I/O error")
        if len(looks) == 4:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(drive._ring(call, clock))
    assert [later - earlier for earlier, later in pairwise(looks)] == [drive.MINUTE] * 3
