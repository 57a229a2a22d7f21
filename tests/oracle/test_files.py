from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.ledger.models import Batch


def working(scene: Any, item: int) -> Path:
    return Path(scene.photos[item].working_path)


def test_a_file_that_is_gone_is_told(scene: Any) -> None:
    working(scene, 1).unlink()
    assert scene.told(files=False) == {("I7", "photo 1")}


def test_a_file_of_another_size_is_told(scene: Any) -> None:
    working(scene, 1).write_bytes(b"short")
    assert scene.told(files=False) == {("I7", "photo 1")}


def test_other_bytes_of_the_same_size_are_told_when_files_are_read(scene: Any) -> None:
    working(scene, 1).write_bytes(b"PHOTO 1")
    assert scene.told() == {("I7", "photo 1")}
    assert scene.told(files=False) == set()


def test_a_file_that_was_not_put_in_its_place_is_told_once_its_batch_is_closed(scene: Any) -> None:
    work = scene.site.root / ".work" / "1" / "1.jpg"
    work.parent.mkdir(parents=True)
    working(scene, 1).rename(work)
    (violation,) = scene.wrong()
    assert "never put in its place" in violation.detail
    Batch.objects.create(id=1, run=scene.run, stage="read_exif", holder="h b 1 1", boot="b", until=0, size=1)
    assert not any("its file" in v.detail or "in its place" in v.detail for v in scene.wrong())


def test_only_the_newest_word_on_a_path_counts(scene: Any) -> None:
    columns = 'run, "table", item, stage, batch, work, path, sha256, size'
    scene.sql(f"INSERT INTO ledger_artefact ({columns}) SELECT {columns} FROM ledger_artefact WHERE item=1")
    scene.sql("UPDATE ledger_artefact SET size=1 WHERE id=(SELECT MIN(id) FROM ledger_artefact WHERE item=1)")
    assert scene.told() == set()


def test_a_staged_original_that_is_gone_is_told(scene: Any) -> None:
    Path(scene.photos[2].staged_path).unlink()
    assert scene.told(files=False) == {("I7", "photo 2")}


def test_a_staged_original_with_other_bytes_is_told(scene: Any) -> None:
    Path(scene.photos[2].staged_path).write_bytes(b"PHOTO 2")
    assert scene.told() == {("I7", "photo 2")}


def test_a_moved_original_must_not_be_in_two_places(scene: Any) -> None:
    scene.sql("UPDATE ledger_effect SET kind='move' WHERE item=3")
    assert scene.told(files=False) == {("I7", "photo 3")}
    Path(scene.photos[3].source_path).unlink()
    assert scene.told() == set()


@pytest.mark.parametrize(
    "change", ["DELETE FROM ledger_effect WHERE item=1", "UPDATE ledger_effect SET mark='' WHERE item=1"]
)
def test_a_photo_whose_original_no_journal_knows_is_told(scene: Any, change: str) -> None:
    scene.sql(change)
    assert scene.told() == {("I7", "photo 1")}


def test_a_kind_of_effect_that_nobody_knows_is_told(scene: Any) -> None:
    scene.sql("UPDATE ledger_effect SET kind='teleport' WHERE item=1")
    assert scene.told() == {("I7", "photo 1")}
