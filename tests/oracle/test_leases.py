from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.clock import VirtualClock, boot_id
from penstock.engine.ids import ProcessIdentity
from penstock.ledger.models import Batch
from penstock.oracle import examine
from tests.conformance import plant


@pytest.fixture
def batch(plant_store: Any) -> Any:
    """A claimed batch of three widgets."""
    run = plant_store.start(plant.pipeline(), [""] * 3)
    return plant_store.ledger.claim(run, {"cpu": 1})


def told(**options: Any) -> set[tuple[str, str]]:
    return {(v.invariant, v.subject) for v in examine(**options)}


def test_a_leased_row_without_an_open_batch_is_told(batch: Any, scene_sql: Any) -> None:
    scene_sql('UPDATE ledger_batch SET "open"=0')
    assert told() == {("I9", "widget 1"), ("I9", "widget 2"), ("I9", "widget 3")}


def test_a_row_leased_by_a_batch_of_another_stage_is_told(batch: Any, scene_sql: Any) -> None:
    scene_sql("UPDATE ledger_batch SET stage='number'")
    assert ("I9", "widget 1") in told()


def test_a_row_that_names_a_batch_but_is_not_leased_is_told(batch: Any, scene_sql: Any) -> None:
    scene_sql("UPDATE plant_widget SET state='ready' WHERE id=2")
    assert ("I9", "widget 2") in told()


def test_an_open_batch_that_holds_nothing_is_told(batch: Any, scene_sql: Any) -> None:
    scene_sql("UPDATE plant_widget SET state='ready', batch=NULL")
    assert ("I9", f"batch {batch.id}") in told()


@pytest.mark.parametrize("status", ["paused", "cancelled", "completed", "failed"])
def test_an_open_batch_of_a_run_that_does_not_run_is_told(batch: Any, scene_sql: Any, status: str) -> None:
    scene_sql("UPDATE ledger_run SET status=%s", status)
    assert ("I11", f"batch {batch.id}") in told()


def test_a_lease_that_ran_out_under_a_holder_that_is_gone_is_told(batch: Any) -> None:
    gone = ProcessIdentity.me()
    Batch.objects.update(holder=ProcessIdentity(gone.host, gone.boot, gone.pid, gone.started + 1).to_text(), until=1000)
    assert told(clock=VirtualClock(1030)) == set()
    assert told(clock=VirtualClock(1100)) == {("I11", f"batch {batch.id}")}


def test_a_lease_of_another_boot_is_told_at_once(batch: Any) -> None:
    Batch.objects.update(holder="here another-boot 1 1", boot="another-boot")
    assert told() == {("I11", f"batch {batch.id}")}


def test_a_live_holder_may_be_late(batch: Any) -> None:
    Batch.objects.update(until=1000, boot=boot_id())
    assert told(clock=VirtualClock(10_000)) == set()


@pytest.mark.parametrize(
    ("deaths", "losses", "state"), [(4, 0, "quarantined"), (3, 0, "ready"), (0, 10, "ready"), (0, 11, "quarantined")]
)
def test_more_deaths_or_losses_than_allowed_are_told(
    batch: Any, scene_sql: Any, deaths: int, losses: int, state: str
) -> None:
    scene_sql("UPDATE plant_widget SET deaths=%s, losses=%s, state=%s, batch=NULL WHERE id=1", deaths, losses, state)
    assert ("I12", "widget 1") in told()


def test_a_row_set_aside_at_its_limit_is_in_order(batch: Any, scene_sql: Any) -> None:
    scene_sql("UPDATE plant_widget SET deaths=3, state='quarantined', batch=NULL WHERE id=1")
    assert "I12" not in {invariant for invariant, _ in told()}
