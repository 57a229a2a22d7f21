"""The one helper through which every state is written."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from penstock.engine.failpoint import declare, failpoint

BREATH = 0.002  # seconds for which a driver leaves the lock free after each commit

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
    with transaction.atomic():
        with connection.cursor() as cursor:
            yield cursor
        failpoint(f"{name}.before_commit")
    _freed.at = time.perf_counter()
    failpoint(f"{name}.after_commit")


def _breathe() -> None:
    rest = getattr(_freed, "at", 0.0) + BREATH - time.perf_counter()
    if rest > 0:
        threading.Event().wait(rest)
