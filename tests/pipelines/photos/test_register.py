"""What the ledger is told of photos: effects that are undone without losing bytes, and targets of a new site."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock import engine, ledger, review
from penstock.adapters import files
from penstock.pipelines.photos.register import Copy, Move
from penstock.publish.models import Target
from tests.pipelines.photos import rows


@pytest.fixture
def places(tmp_path: Path) -> tuple[str, str]:
    """An original, and its staged place."""
    (tmp_path / "a.jpg").write_bytes(b"original")
    return str(tmp_path / "a.jpg"), str(tmp_path / "incoming" / "1_a.jpg")


def test_the_pipeline_its_tables_effects_and_gate_are_known() -> None:
    assert "photos" in engine.PIPELINES
    assert {"file", "photo", "name"} <= set(ledger.TABLES)
    assert {"copy", "move"} <= set(ledger.EFFECTS)
    assert review.GATES["photo"].stage == "review"


def test_a_copy_is_undone_with_its_empty_folder_and_the_original_stays(places: tuple[str, str]) -> None:
    source, target = places
    assert not Copy().happened(source, target, "")
    mark = files.copy_verified(source, target)["sha256"]
    assert Copy().happened(source, target, mark)
    Copy().undo(source, target, mark)
    assert (Path(source).read_bytes(), Path(target).parent.exists()) == (b"original", False)
    Copy().undo(source, target, mark)


def test_a_copy_whose_mark_was_never_stored_is_known_by_the_original(places: tuple[str, str]) -> None:
    source, target = places
    files.copy_verified(source, target)
    Copy().undo(source, target, "")
    assert not Path(target).exists()


def test_a_copy_that_a_person_changed_is_left_alone(places: tuple[str, str]) -> None:
    source, target = places
    mark = files.copy_verified(source, target)["sha256"]
    Path(target).write_bytes(b"retouched")
    for known in (mark, ""):
        Copy().undo(source, target, known)
    assert Path(target).read_bytes() == b"retouched"


def test_a_folder_with_other_files_stays(places: tuple[str, str]) -> None:
    source, target = places
    mark = files.copy_verified(source, target)["sha256"]
    (Path(target).parent / "2_b.jpg").write_bytes(b"other")
    Copy().undo(source, target, mark)
    assert [file.name for file in Path(target).parent.iterdir()] == ["2_b.jpg"]


def test_a_move_is_undone_and_never_over_another_file(places: tuple[str, str]) -> None:
    source, target = places
    mark = files.move_verified(source, target)["sha256"]
    assert Move().happened(source, target, mark)
    Path(source).write_bytes(b"another")
    Move().undo(source, target, mark)
    assert Path(source).read_bytes() == b"another"
    assert (Path(source).parent / "a_restored_001.jpg").read_bytes() == b"original"
    assert not Path(target).parent.exists()


def test_a_move_whose_file_is_gone_altogether_leaves_nothing_to_undo(places: tuple[str, str]) -> None:
    source, target = places
    Path(source).unlink()
    Move().undo(source, target, "")
    assert not Path(source).exists()


def test_a_move_that_did_not_happen_is_not_taken_for_one(places: tuple[str, str]) -> None:
    source, target = places
    assert not Move().happened(source, target, "")
    files.copy_verified(source, target)
    assert not Move().happened(source, target, "")


@pytest.mark.usefixtures("ledger_home")
def test_undoing_a_move_that_another_file_kept_from_happening_leaves_that_file_alone(places: tuple[str, str]) -> None:
    source, target = places
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).write_bytes(b"another's")
    Move().undo(source, target, "")
    assert Path(target).read_bytes() == b"another's"
    assert [path.name for path in Path(source).parent.iterdir() if path.is_file()] == [Path(source).name]


def test_a_new_photo_site_can_publish_into_a_folder_and_a_table() -> None:
    site = rows.site()
    found = dict(Target.objects.filter(site=site).values_list("name", "kind"))
    assert found == {"site": "folder", "mirror": "sqlite"}
