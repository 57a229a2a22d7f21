from __future__ import annotations

from typing import Any


def test_an_undo_that_was_not_finished_is_told(scene: Any) -> None:
    scene.sql("UPDATE ledger_effect SET state='undoing' WHERE item=1")
    assert ("I7", "photo 1") in scene.told()


def test_an_unknown_state_of_an_effect_is_told(scene: Any) -> None:
    scene.sql("UPDATE ledger_effect SET state='maybe' WHERE item=2")
    assert ("I7", "photo 2") in scene.told()


def test_an_effect_of_a_row_that_is_gone_is_told(scene: Any) -> None:
    scene.sql("DELETE FROM ledger_artefact WHERE item=1")
    scene.sql("DELETE FROM review_queue WHERE id=1")
    assert ("I7", "photo 1") in scene.told()


def test_a_file_of_a_row_that_is_gone_is_told(scene: Any) -> None:
    scene.sql("DELETE FROM ledger_effect WHERE item=1")
    scene.sql("DELETE FROM review_queue WHERE id=1")
    assert ("I7", "photo 1") in scene.told(site=scene.site)
