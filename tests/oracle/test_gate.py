from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("photo", [2, 4])
def test_an_approved_or_published_photo_that_nobody_decided_on_is_told(scene: Any, photo: int) -> None:
    scene.sql("DELETE FROM review_decision WHERE item=%s", photo)
    assert ("I1", f"photo {photo}") in scene.told()


def test_an_approval_that_was_taken_back_is_told(scene: Any) -> None:
    values = f"({scene.site.pk}, 'photo', 2, 'pending', 'x', 'bob', '2026-11-21 12:00:00', '', '{{}}')"
    columns = 'site_id, "table", item, verdict, fingerprint, who, at, reason, "before"'
    scene.sql(f"INSERT INTO review_decision ({columns}) VALUES {values}")
    assert scene.told() == {("I1", "photo 2")}


@pytest.mark.parametrize("column", ["who", "fingerprint"])
def test_an_approval_without_a_person_or_a_fingerprint_is_told(scene: Any, column: str) -> None:
    scene.sql(f"UPDATE review_decision SET {column}='' WHERE item=2")
    assert scene.told() == {("I1", "photo 2")}
