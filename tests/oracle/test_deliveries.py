from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("outcome", ["sent", "unchanged", "unknown", "undoing"])
def test_what_left_without_an_approval_of_its_fingerprint_is_told(scene: Any, outcome: str) -> None:
    scene.sql("UPDATE delivery SET outcome=%s, fingerprint='other'", outcome)
    assert ("I1", "delivery 9") in scene.told()


def test_a_delivery_that_never_left_needs_no_approval(scene: Any) -> None:
    scene.sql("UPDATE delivery SET outcome='undone', fingerprint='other'")
    assert scene.told() == {("I4", "photo 4")}  # published, but nowhere


@pytest.mark.parametrize("state", ["waiting", "rejected", "failed"])
def test_a_photo_that_stands_on_a_target_but_says_otherwise_is_told(scene: Any, state: str) -> None:
    scene.sql("UPDATE review_queue SET state=%s WHERE id=4", state)
    assert ("I1", "delivery 9") in scene.told()


def test_a_published_photo_that_is_gone_is_told(scene: Any) -> None:
    scene.sql("DELETE FROM review_queue WHERE id=4")
    assert ("I1", "delivery 9") in scene.told()


def test_a_published_photo_without_a_delivery_is_told(scene: Any) -> None:
    scene.sql("DELETE FROM delivery")
    assert ("I4", "photo 4") in scene.told()


def test_a_delivery_that_was_taken_back_waits_and_is_in_order(scene: Any) -> None:
    scene.sql("UPDATE delivery SET outcome='undone', state='waiting'")
    scene.sql("UPDATE ledger_sitecounter SET state='waiting' WHERE \"table\"='delivery'")
    assert scene.told() == {("I4", "photo 4")}  # only the photo's own end is lacking
