"""The one helper through which every state is written."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction

from penstock.engine.failpoint import declare, failpoint

BREATH = 0.002  # seconds for which a driver leaves the lock free after each commit

POLL = 0.001  # seconds between two tries for SQLite's lock
_freed = threading.local()


def commits(*names: str) -> None:
    """Make the names of a module's transactions known, with the failpoints around their commits."""
    declare(*(f"{name}.{side}_commit" for name in names for side in ("before", "after")))


@contextmanager
def write(name: str, *, driver: bool = False) -> Iterator[Any]:
    """One transaction (BEGIN IMMEDIATE on SQLite); yields a cursor. `name` stands in its failpoints.

    A driver first leaves the lock free for BREATH since its last commit, so that a person's write is never starved.
    Inside another `write` it joins that transaction.
    """
    if connection.in_atomic_block:
        with connection.cursor() as cursor:
            yield cursor
        return
    if driver:
        _breathe()
    with _begun():
        with connection.cursor() as cursor:
            yield cursor
        failpoint(f"{name}.before_commit")
    _freed.at = time.perf_counter()
    failpoint(f"{name}.after_commit")


@contextmanager
def _begun() -> Iterator[None]:
    """An open transaction. SQLite's own waiting looks ever more seldom and would miss the moments in which a driver
    leaves the lock free, so the lock is asked for every POLL."""
    atomic = transaction.atomic()
    if connection.vendor == "sqlite":
        _enter_polling(atomic)
    else:
        atomic.__enter__()
    try:
        yield
    except BaseException:
        atomic.__exit__(*sys.exc_info())
        raise
    else:
        atomic.__exit__(None, None, None)


def _enter_polling(atomic: Any) -> None:
    """Raises OperationalError when the lock was not free for as long as a statement may wait."""
    connection.ensure_connection()
    execute = connection.connection.execute
    patience = connection.settings_dict["OPTIONS"]["timeout"]
    end = time.perf_counter() + patience
    execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                atomic.__enter__()
                return
            except OperationalError as error:
                if "locked" not in str(error) or time.perf_counter() > end:
                    raise
            threading.Event().wait(POLL)
    finally:
        execute(f"PRAGMA busy_timeout={int(patience * 1000)}")


def _breathe() -> None:
    rest = getattr(_freed, "at", 0.0) + BREATH - time.perf_counter()
    if rest > 0:
        threading.Event().wait(rest)
