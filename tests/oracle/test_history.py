from __future__ import annotations

from typing import Any


def test_a_state_that_was_written_past_the_ledger_is_told_in_a_deep_look(scene: Any) -> None:
    scene.sql("UPDATE review_queue SET state='waiting' WHERE id=3")
    assert ("I20", "photo 3") in scene.told(deep=True)
    assert ("I20", "photo 3") not in scene.told()


def test_a_row_that_went_without_an_event_is_told_in_a_deep_look(scene: Any) -> None:
    scene.sql("DELETE FROM review_queue WHERE id=1")
    assert ("I20", "photo 1") in scene.told(deep=True)


def test_a_row_whose_last_event_removes_it_is_told(scene: Any) -> None:
    moves = '[["photo", "review/leased", "", [1]]]'
    scene.sql("UPDATE ledger_event SET moves=%s WHERE id=(SELECT MIN(id) FROM ledger_event)", moves)
    assert ("I20", "photo 1") in scene.told(deep=True)
