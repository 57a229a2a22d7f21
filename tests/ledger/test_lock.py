from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from penstock.engine.errors import Refused
from penstock.engine.ids import ProcessIdentity
from penstock.ledger import control, lock
from penstock.ledger import models as m
from penstock.oracle import examine
from tests.conformance import plant

DEAD = ProcessIdentity(ProcessIdentity.me().host, ProcessIdentity.me().boot, 4_000_000, 1)


def working(store: Any, holder: ProcessIdentity | None = None) -> m.Run:
    """A run of four of which one batch is held, by this process unless said otherwise."""
    run = store.start(plant.pipeline(), [""] * 4)
    store.ledger.claim(run, {"cpu": 1})
    if holder is not None:
        m.Batch.objects.filter(open=True).update(holder=holder.to_text())
    return control.find(run)


def test_a_site_without_a_run_is_free(store: Any) -> None:
    found = lock.view(store.site, store.clock)
    assert (found.key, found.held, found.alive) == (f"automation_lock_{store.site.pk}", False, False)


def test_the_lock_shows_who_works_on_the_run_and_until_when(store: Any) -> None:
    run = working(store)
    found, me = lock.view(store.site, store.clock), ProcessIdentity.me()
    assert (found.held, found.run_id, found.alive) == (True, run.id, True)
    assert (found.owner, found.host) == (f"process {me.pid}", me.host)
    assert found.epoch == m.Batch.objects.get(open=True).id
    assert found.since == run.started_at
    assert found.expires_at is not None
    assert found.expires_at > store.clock.wall()


def test_a_run_whose_holder_died_is_shown_as_interrupted_and_keeps_its_status(store: Any) -> None:
    run = working(store, DEAD)
    assert not lock.view(store.site, store.clock).alive
    assert lock.interrupted(run, store.clock)
    assert run.status == "running"


def test_a_run_that_nobody_has_begun_waits_and_one_that_is_over_is_not_interrupted(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    assert not lock.interrupted(control.find(run), store.clock)
    m.Run.objects.update(interrupted=True, status="completed")
    assert not lock.interrupted(control.find(run), store.clock)


def test_a_home_that_is_served_is_alive_between_two_batches(store: Any, ledger_home: Path) -> None:
    run = working(store, DEAD)
    with FileLock(str(ledger_home / "driver.lock")):
        assert lock.served()
        assert lock.alive(run, store.clock)
    assert not lock.served()


def test_a_lock_that_somebody_holds_is_not_released(store: Any) -> None:
    run = working(store)
    with pytest.raises(Refused) as caught:
        lock.release(store.site, store.ledger)
    assert caught.value.code == "lock_alive"
    m.Run.objects.update(status="paused")
    with pytest.raises(Refused, match="resume or cancel it"):
        lock.release(store.site, store.ledger)
    assert control.find(run.id).active_key


def test_a_lock_of_a_dead_holder_is_released_and_its_rows_wait_for_the_next_run(store: Any) -> None:
    run = working(store, DEAD)
    assert not lock.release(store.site, store.ledger, "ann").held
    assert control.find(run.id).status == "cancelled"
    assert {row["run"] for row in store.rows().values()} == {None}
    assert examine() == []
    assert control.start(store.site, store.clock, store.ids).open


def test_what_is_not_locked_cannot_be_released(store: Any) -> None:
    with pytest.raises(Refused) as caught:
        lock.release(store.site, store.ledger)
    assert caught.value.code == "not_locked"


def test_an_interrupted_run_can_be_resumed(store: Any) -> None:
    run = working(store, DEAD)
    m.Run.objects.update(interrupted=True)
    resumed = control.resume(control.find(run.id), store.clock, "ann")
    assert (resumed.interrupted, resumed.status) == (False, "running")
    assert resumed.resumed_at is not None
