from __future__ import annotations

from typing import Any

from penstock.oracle import examine
from tests.conformance import plant
from tests.oracle.scene import RUN


def test_an_open_run_must_hold_the_lock_of_its_site(plant_store: Any, scene_sql: Any) -> None:
    run = plant_store.start(plant.pipeline(), [""])
    scene_sql("UPDATE ledger_run SET active_key=NULL")
    assert [(v.invariant, v.subject) for v in examine()] == [("I10", f"run {run}")]


def test_a_run_that_is_over_must_not_hold_the_lock(scene: Any) -> None:
    scene.sql("UPDATE ledger_run SET active_key=site_id || ':run'")
    assert scene.told() == {("I10", f"run {RUN}")}


def test_a_run_that_is_being_rolled_back_may_hold_the_lock(scene: Any) -> None:
    scene.sql("UPDATE ledger_run SET active_key=site_id || ':run', undoing='effects'")
    assert scene.told() == {("I14", f"run {RUN}")}  # only that it stopped half way is told


def test_a_lock_of_another_site_is_told(plant_store: Any, scene_sql: Any) -> None:
    run = plant_store.start(plant.pipeline(), [""])
    scene_sql("UPDATE ledger_run SET active_key='999:run'")
    assert [(v.invariant, v.subject) for v in examine()] == [("I10", f"run {run}")]


def test_two_open_runs_of_one_kind_are_told(scene: Any) -> None:
    scene.sql("UPDATE ledger_run SET status='running', active_key=site_id || ':run'")
    copied = (
        "id, site_id, kind, pipeline, plan, status, active_key, trigger, retry_of, pause_requested, cancel_requested,"
    )
    copied += "abort_requested, blocked, error_message, interrupted, adopting, driver, started_at, undoing, recorded"
    chosen = copied.replace("id, site_id", "'twin', site_id", 1).replace("active_key", "'twin'")
    scene.sql(f"INSERT INTO ledger_run ({copied}) SELECT {chosen} FROM ledger_run")
    assert ("I10", f"run {RUN}") in scene.told()


def test_a_status_that_is_none_is_told(scene: Any) -> None:
    scene.sql("UPDATE ledger_run SET status='asleep'")
    assert ("I10", f"run {RUN}") in scene.told()


def test_ready_rows_in_a_cancelled_run_are_told(scene: Any) -> None:
    scene.sql("UPDATE ledger_run SET status='cancelled'")
    scene.sql("UPDATE review_queue SET state='ready' WHERE id=1")
    assert ("I16", f"run {RUN}") in scene.told()


def test_ready_rows_in_a_completed_run_are_told(scene: Any) -> None:
    scene.sql("UPDATE review_queue SET state='ready' WHERE id=1")
    assert ("I11", f"run {RUN}") in scene.told()
