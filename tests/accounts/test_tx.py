from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from typing import Any

import pytest
from django.db import connection

from penstock.accounts import tx
from penstock.accounts.models import Account
from penstock.engine.failpoint import SimulatedCrash, armed

tx.commits("test.tx")


def names() -> set[str]:
    return set(Account.objects.values_list("name", flat=True))


@pytest.mark.parametrize(("point", "there"), [("test.tx.before_commit", set()), ("test.tx.after_commit", {"a"})])
def test_a_crash_on_either_side_of_the_commit_leaves_all_or_nothing(
    ledger_home: Any, point: str, there: set[str]
) -> None:
    with pytest.raises(SimulatedCrash), armed(f"{point}=crash"), tx.write("test.tx"):
        Account.objects.create(name="a")
    assert names() == there


def test_a_write_within_a_write_is_part_of_it(ledger_home: Any) -> None:
    def both() -> None:
        with tx.write("test.tx"):
            with tx.write("test.tx"):
                Account.objects.create(name="inner")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        both()
    assert names() == set()


def test_a_write_takes_the_lock_before_it_reads(ledger_home: Any, home: Any) -> None:
    """A deferred transaction would read first and could fail when it comes to write."""
    with closing(sqlite3.connect(home / "data" / "review.db", timeout=0)) as other, tx.write("test.tx"):
        assert _locked(other)


def _locked(other: sqlite3.Connection) -> bool:
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    return True


def test_a_driver_leaves_the_lock_free_for_a_moment_after_each_commit(ledger_home: Any) -> None:
    with tx.write("test.tx", driver=True):
        Account.objects.create(name="a")
    started = time.perf_counter()
    with tx.write("test.tx", driver=True):
        Account.objects.create(name="b")
    assert time.perf_counter() - started >= tx.BREATH * 0.9


def test_a_person_gets_a_word_in_while_a_driver_writes_without_end(ledger_home: Any) -> None:
    Account.objects.create(name="counted")
    stop, written = threading.Event(), threading.Event()

    def drive() -> None:
        while not stop.is_set():
            with tx.write("test.tx", driver=True):
                Account.objects.filter(name="counted").update(name="counted")
            written.set()
        connection.close()

    driver = threading.Thread(target=drive)
    driver.start()
    try:
        assert written.wait(10)
        started = time.perf_counter()
        with tx.write("test.tx"):
            Account.objects.create(name="person")
        took = time.perf_counter() - started
    finally:
        stop.set()
        driver.join(10)
    assert took < 10
    assert "person" in names()
