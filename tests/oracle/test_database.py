from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def _own_settings(scene: Any) -> Any:
    """What a test changes on the connection is put back."""
    from django.db import connection

    yield
    connection.close()  # the next one starts with the settings' own pragmas


@pytest.mark.usefixtures("_own_settings")
def test_a_weaker_way_of_writing_is_told(scene: Any) -> None:
    scene.sql("PRAGMA synchronous=NORMAL")
    assert scene.told() == {("sqlite", "database")}


@pytest.mark.usefixtures("_own_settings")
def test_another_journal_is_told(scene: Any) -> None:
    scene.sql("PRAGMA journal_mode=MEMORY")
    assert scene.told() == {("sqlite", "database")}


def test_a_row_that_points_nowhere_is_told(scene: Any) -> None:
    scene.sql("PRAGMA foreign_keys=OFF")
    scene.sql("INSERT INTO photos_taxon (id, site_id, kind, key, name) VALUES (5, 999, 'folder', 'k', 'K')")
    scene.sql("PRAGMA foreign_keys=ON")
    assert scene.told() == {("sqlite", "photos_taxon 5")}


def test_a_damaged_index_is_told(scene: Any) -> None:
    from django.db import transaction

    with transaction.atomic():
        scene.sql("CREATE TABLE spoiled (a INTEGER)")
        scene.sql("INSERT INTO spoiled VALUES (1), (NULL)")
        scene.sql("PRAGMA writable_schema=ON")
        scene.sql("UPDATE sqlite_schema SET sql='CREATE TABLE spoiled (a INTEGER NOT NULL)' WHERE name='spoiled'")
        scene.sql("PRAGMA writable_schema=RESET")
        found = scene.told()
        transaction.set_rollback(True)
    assert ("sqlite", "database") in found
