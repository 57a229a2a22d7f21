from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from penstock.oracle import examine
from tests.conformance import plant
from tests.oracle.scene import RUN


@pytest.mark.parametrize(
    ("stage", "state"), [("review", "asleep"), ("dreaming", "ready"), ("score", "waiting"), ("caption", "done")]
)
def test_a_place_that_the_pipeline_does_not_have_is_told(scene: Any, stage: str, state: str) -> None:
    scene.sql("UPDATE review_queue SET stage=%s, state=%s WHERE id=1", stage, state)
    assert ("I7", "photo 1") in scene.told()


def test_a_row_of_a_run_that_is_not_there_is_told(scene: Any) -> None:
    scene.sql("UPDATE review_queue SET run='nobody' WHERE id=2")
    assert ("I7", "photo 2") in scene.told()


def test_a_row_made_twice_is_told(scene: Any) -> None:
    with transaction.atomic():
        _without_unique_origin(scene)
        assert ("I8", "photo 4") in scene.told()
        transaction.set_rollback(True)


def _without_unique_origin(scene: Any) -> None:
    """The same table without its constraints, within a transaction that is not kept."""
    scene.sql("ALTER TABLE review_queue RENAME TO whole")
    scene.sql("CREATE TABLE review_queue AS SELECT * FROM whole")
    scene.sql("UPDATE review_queue SET origin='file:1:photo:0' WHERE id=4")


def test_a_miscounted_parent_is_told(plant_store: Any, scene_sql: Any) -> None:
    run = plant_store.start(plant.pipeline(), ["", ""])
    plant.drive(plant_store.ledger, run)
    scene_sql("UPDATE plant_widget SET open_children=1 WHERE id=2")
    assert [(v.invariant, v.subject) for v in examine()] == [("I7", "widget 2")]


def test_a_parent_that_does_not_wait_for_its_open_child_is_told(plant_store: Any, scene_sql: Any) -> None:
    run = plant_store.start(plant.pipeline(), [""])
    plant.drive(plant_store.ledger, run)
    scene_sql("UPDATE plant_part SET state='ready', run=NULL WHERE origin LIKE '%%:0'")
    assert ("I7", "widget 1") in {(v.invariant, v.subject) for v in examine()}


def test_rows_whose_run_lacks_their_stage_are_told(scene: Any) -> None:
    scene.sql("DELETE FROM ledger_stagerun WHERE run_id=%s AND name='review'", RUN)
    assert ("I7", "photo 1") in scene.told()


def test_the_children_of_a_parent_are_found_by_an_index(plant_store: Any) -> None:
    from django.db import connection

    sql = "SELECT parent, COUNT(*) FROM photo_file WHERE parent>'' AND state IN ('ready', 'leased')"
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql} AND parent IN ('a:1', 'a:2') GROUP BY parent")
        assert "photofile_parent" in str(cursor.fetchall())
