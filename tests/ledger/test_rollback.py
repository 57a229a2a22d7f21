from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.engine import failpoint
from penstock.engine.errors import Refused
from penstock.ledger import control, rollback
from penstock.ledger import models as m
from penstock.pipelines.photos.models import Photo, ReservedName


def undo(room: Any, run: str) -> rollback.Undone:
    return rollback.rollback(room.run(run), room.clock.wall(), "ann")


@pytest.mark.parametrize("move", [False, True])
def test_rows_files_names_and_working_copies_are_back_as_before_the_run(darkroom: Any, move: bool) -> None:
    darkroom.add("a b c bad", move=move)
    before, tree = darkroom.rows(), darkroom.tree()
    run = darkroom.go()
    assert darkroom.tree() != tree
    undone = undo(darkroom, run)
    assert darkroom.rows() == before
    assert darkroom.tree() == tree
    assert (undone.rows, undone.files, undone.names, undone.restored) == (4, 4, 3, 4)
    assert darkroom.wrong() == []


def test_files_that_went_are_gone_for_good_before_the_rows_forget_them(darkroom: Any, synced: list[Path]) -> None:
    darkroom.add("a b")
    run = darkroom.go()
    folders = {Path(path).parent for path in m.Artefact.objects.filter(run=run).values_list("path", flat=True)}
    assert folders
    del synced[:]
    with pytest.raises(failpoint.SimulatedCrash), failpoint.armed("rollback.undone=crash"):
        undo(darkroom, run)
    assert m.Artefact.objects.filter(run=run).exists()
    for folder in folders:
        assert not folder.exists()
        assert folder.parent in synced


def test_a_preview_changes_nothing_and_says_what_would_be_done(darkroom: Any) -> None:
    darkroom.add("a b")
    run = darkroom.go()
    before, tree = darkroom.rows(volatile=True), darkroom.tree()
    seen = rollback.preview(darkroom.run(run))
    assert darkroom.rows(volatile=True) == before
    assert darkroom.tree() == tree
    assert undo(darkroom, run) == seen


def test_repeating_a_rollback_changes_nothing(darkroom: Any) -> None:
    darkroom.add("a b")
    run = darkroom.go()
    undo(darkroom, run)
    before, events = darkroom.rows(volatile=True), m.Event.objects.count()
    assert undo(darkroom, run) == rollback.Undone()
    assert darkroom.rows(volatile=True) == before
    assert m.Event.objects.count() == events


def test_an_open_run_is_not_rolled_back(darkroom: Any) -> None:
    darkroom.add("a")
    run = darkroom.start()
    with pytest.raises(Refused, match="cancel it before"):
        undo(darkroom, run)


def test_a_site_with_an_open_run_is_not_rolled_back(darkroom: Any) -> None:
    darkroom.add("a")
    run = darkroom.go()
    darkroom.start()
    with pytest.raises(Refused, match="open run"):
        undo(darkroom, run)
    assert darkroom.run(run).undoing == ""


def test_after_a_rollback_the_files_go_through_again_and_get_the_same_names(darkroom: Any) -> None:
    darkroom.add("a b")
    first = darkroom.go()
    names = sorted(ReservedName.objects.values_list("name", flat=True))
    undo(darkroom, first)
    darkroom.go()
    assert sorted(ReservedName.objects.values_list("name", flat=True)) == names
    assert darkroom.wrong() == []


def test_a_row_that_was_refreshed_is_restored_with_its_set(darkroom: Any) -> None:
    darkroom.add("a")
    darkroom.go()
    before = darkroom.rows(volatile=True)["photo"]
    darkroom.add("a-again", card="card2")
    second = darkroom.go()
    assert Photo.objects.count() == 1
    assert Photo.objects.get().set_id != before[0]["set_id"]
    undo(darkroom, second)
    assert darkroom.rows(volatile=True)["photo"] == before
    assert darkroom.wrong() == []


def test_a_person_s_edit_survives_the_rollback_of_a_refresh(darkroom: Any) -> None:
    darkroom.add("a")
    darkroom.go()
    darkroom.add("a-again", card="card2")
    second = darkroom.go()
    Photo.objects.update(Caption="mine", edited=["Caption"], revision=1)
    undo(darkroom, second)
    assert (Photo.objects.get().Caption, Photo.objects.get().revision) == ("mine", 1)


def test_what_a_later_run_did_with_rows_of_a_rolled_back_run_goes_with_them(darkroom: Any) -> None:
    """The first run is cancelled before it stages anything; the second moves the originals and names them."""
    darkroom.add("a b", move=True)
    before, tree = darkroom.rows(), darkroom.tree()
    first = darkroom.start()
    darkroom.step(first)
    control.cancel(darkroom.run(first), darkroom.clock)
    assert darkroom.drive(first) == "cancelled"
    darkroom.go()
    assert ReservedName.objects.count() == 2
    undo(darkroom, first)
    assert darkroom.rows() == before
    assert darkroom.tree() == tree
    assert darkroom.wrong() == []


def test_files_that_an_older_run_made_outlive_the_rollback_of_a_retry(darkroom: Any) -> None:
    darkroom.overrides = {"tries": (1,)}
    darkroom.add("a b")
    first = darkroom.go()
    Photo.objects.filter(Original_File_Name="a.jpg").update(state="failed")
    m.StageRun.objects.filter(run=first, name="review").update(waiting=1, failed=1)
    m.SiteCounter.objects.filter(stage="review", state="waiting").update(n=1)
    m.SiteCounter.objects.create(site=darkroom.site, table="photo", stage="review", state="failed", n=1)
    tree = darkroom.tree()
    again = control.retry(darkroom.run(first), darkroom.clock, darkroom.ids, stage=3)
    darkroom.drive(again.id)
    undo(darkroom, again.id)
    assert darkroom.tree() == tree


def test_a_row_that_is_published_is_kept_with_its_file_and_name(darkroom: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    darkroom.add("a b")
    run = darkroom.go()
    kept = Photo.objects.order_by("id").first()
    assert kept is not None
    monkeypatch.setattr(rollback, "KEEP", [lambda table, ids: {kept.id} & set(ids) if table == "photo" else set()])
    undone = undo(darkroom, run)
    assert undone.skipped_published == 1
    assert list(Photo.objects.values_list("id", flat=True)) == [kept.id]
    assert Path(kept.staged_path).exists()
    assert Path(kept.working_path).exists()
    assert list(ReservedName.objects.values_list("owner", flat=True)) == [kept.id]
    assert [one for one in darkroom.wrong() if one.invariant == "I14"] == []


def test_an_original_that_changed_meanwhile_is_left_where_it_is(darkroom: Any) -> None:
    darkroom.add("a", move=True)
    run = darkroom.go()
    (darkroom.home / "card" / "a.jpg").write_bytes(b"another picture")
    undo(darkroom, run)
    found = {path.name: path.read_bytes() for path in (darkroom.home / "card").iterdir()}
    assert found == {"a.jpg": b"another picture", "a_restored_001.jpg": b"original a"}


POINTS = (
    ("rollback.marked", True), ("rollback.undone", False), ("ledger.before_undo", False), ("ledger.after_undo", True),
    ("*.before_commit", True), ("*.after_commit", False), ("files.undo_copy.before_unlink", False),
    ("files.undo_copy.after_unlink", False), ("files.undo_move.before_rename", True),
    ("files.undo_move.after_rename", True),
)  # fmt: skip


@pytest.mark.parametrize(("point", "move"), POINTS)
def test_a_rollback_killed_anywhere_is_finished_by_recovery(darkroom: Any, point: str, move: bool) -> None:
    darkroom.add("a b", move=move)
    before, tree = darkroom.rows(), darkroom.tree()
    for nth in range(1, 30):
        run = darkroom.go()
        crashed = darkroom.survive(f"{point}=crash@{nth}", lambda run=run: undo(darkroom, run))
        assert darkroom.rows() == before
        assert darkroom.tree() == tree
        assert darkroom.run(run).active_key is None
        assert darkroom.wrong() == []
        if not crashed:
            break
    assert nth < 29


@pytest.mark.parametrize("second", ["*.before_commit", "ledger.after_undo", "rollback.undone"])
def test_a_recovery_of_a_rollback_may_itself_be_killed(darkroom: Any, second: str) -> None:
    darkroom.add("a b", move=True)
    before, tree = darkroom.rows(), darkroom.tree()
    run = darkroom.go()
    with pytest.raises(failpoint.SimulatedCrash), failpoint.armed("ledger.after_undo=crash@1"):
        undo(darkroom, run)
    darkroom.survive(f"{second}=crash@1", darkroom.recover)
    assert darkroom.rows() == before
    assert darkroom.tree() == tree
    assert darkroom.wrong() == []


def test_the_lock_is_free_after_a_rollback_that_died_between_its_steps(darkroom: Any) -> None:
    darkroom.add("a")
    for nth in range(1, 12):
        run = darkroom.go()
        try:
            with failpoint.armed(f"*.after_commit=crash@{nth}"):
                undo(darkroom, run)
        except failpoint.SimulatedCrash:
            darkroom.recover()
        else:
            break
        again = darkroom.go()  # refused when the lock were still held
        undo(darkroom, again)
    assert nth > 2
