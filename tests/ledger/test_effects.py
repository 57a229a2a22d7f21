from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.engine.failpoint import SimulatedCrash, armed
from penstock.ledger import control, effects, rollback
from penstock.ledger import models as m
from penstock.pipelines.photos.models import Photo
from tests.ledger.darkroom import FREE


def states() -> list[str]:
    return list(m.Effect.objects.order_by("id").values_list("state", flat=True))


def test_an_effect_is_journaled_before_it_happens_and_done_when_its_item_is(darkroom: Any) -> None:
    darkroom.add("a b")
    run = darkroom.start()
    darkroom.step(run)
    batch = darkroom.ledger.claim(run, FREE)
    assert states() == ["planned", "planned"]
    assert not any(Path(effect.target).exists() for effect in m.Effect.objects.all())
    darkroom.settle(batch)
    assert states() == ["done", "done"]
    assert {effect.mark for effect in m.Effect.objects.all()} == set(
        Photo.objects.values_list("content_hash", flat=True)
    )


def test_an_effect_that_is_claimed_again_is_journaled_once(darkroom: Any) -> None:
    darkroom.add("a b")
    run = darkroom.start()
    darkroom.step(run)
    darkroom.ledger.claim(run, FREE)
    darkroom.recover()
    darkroom.drive(run)
    assert states() == ["done", "done"]


def test_what_an_item_did_that_breaks_at_that_stage_is_undone_after_the_commit(darkroom: Any) -> None:
    darkroom.add("a b")
    blocked = darkroom.home / "incoming"
    run = darkroom.start()
    darkroom.step(run)
    first = Photo.objects.order_by("id")[0]
    blocked.mkdir()
    (blocked / f"{first.id}.jpg").write_bytes(b"in the way")
    darkroom.drive(run)
    assert Photo.objects.get(id=first.id).state == "failed"
    assert states() == ["undone", "done"]
    assert (blocked / f"{first.id}.jpg").read_bytes() == b"in the way"
    assert darkroom.wrong() == []


def test_a_merged_item_gives_its_copy_back_and_the_original_stays(darkroom: Any) -> None:
    darkroom.add("a b-1 b-2")
    darkroom.go()
    assert Photo.objects.count() == 2
    assert states() == ["done", "done", "undone"]
    assert len(list((darkroom.home / "incoming").iterdir())) == 2
    assert len(list((darkroom.home / "card").iterdir())) == 3
    assert len(list((darkroom.home / "data" / "working").iterdir())) == 2
    assert darkroom.wrong() == []


@pytest.mark.parametrize("move", [False, True])
def test_a_merged_item_that_an_older_run_had_staged_gives_everything_back(darkroom: Any, move: bool) -> None:
    darkroom.add("a-1 a-2", move=move)
    before, tree = darkroom.rows(), darkroom.tree()
    first = darkroom.start()
    while m.StageRun.objects.get(run=first, name="queue_rows").ready < 2:
        darkroom.step(first)
    control.cancel(darkroom.run(first), darkroom.clock)
    darkroom.drive(first)
    between = darkroom.rows()
    second = darkroom.go()
    assert Photo.objects.count() == 1
    assert len(list((darkroom.home / "incoming").iterdir())) == 1
    assert darkroom.wrong() == []
    rollback.rollback(darkroom.run(second), darkroom.clock.wall())
    assert [photo["id"] for photo in darkroom.rows()["photo"]] == [photo["id"] for photo in between["photo"]]
    assert darkroom.wrong() == []
    rollback.rollback(darkroom.run(first), darkroom.clock.wall())
    assert darkroom.rows() == before
    assert darkroom.tree() == tree
    assert darkroom.wrong() == []


def test_a_row_that_was_merged_and_rolled_back_goes_through_again(darkroom: Any) -> None:
    darkroom.add("a-1 a-2")
    first = darkroom.start()
    while m.StageRun.objects.get(run=first, name="queue_rows").ready < 2:
        darkroom.step(first)
    control.cancel(darkroom.run(first), darkroom.clock)
    darkroom.drive(first)
    second = darkroom.go()
    rollback.rollback(darkroom.run(second), darkroom.clock.wall())
    darkroom.clock.advance(5)
    assert darkroom.drive(darkroom.start()) == "completed"
    assert [photo.state for photo in Photo.objects.all()] == ["waiting"]
    assert darkroom.wrong() == []


@pytest.mark.parametrize("point", ["ledger.before_undo", "ledger.after_undo", "*.after_commit"])
def test_files_of_a_merged_item_go_even_when_the_process_dies(darkroom: Any, point: str) -> None:
    darkroom.add("a-1 a-2")
    run = darkroom.start()
    while m.StageRun.objects.get(run=run, name="queue_rows").ready < 2:
        darkroom.step(run)
    darkroom.survive(f"{point}=crash@2" if point == "*.after_commit" else f"{point}=crash", lambda: darkroom.drive(run))
    assert len(list((darkroom.home / "data" / "working").iterdir())) == 1
    assert darkroom.wrong() == []


@pytest.mark.parametrize("point", ["ledger.before_undo", "ledger.after_undo"])
def test_an_undo_that_was_interrupted_is_finished_by_recovery(darkroom: Any, point: str) -> None:
    darkroom.add("b-1 b-2 b-3", move=True)
    run = darkroom.start()
    with pytest.raises(SimulatedCrash), armed(f"{point}=crash@1"):
        darkroom.drive(run)
    assert "undoing" in states()
    darkroom.recover()
    assert states() == ["done", "undone", "undone"]
    darkroom.drive(run)
    assert sorted(path.name for path in (darkroom.home / "card").iterdir()) == ["b-2.jpg", "b-3.jpg"]


def test_undoing_goes_newest_first(darkroom: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Recorder:
        def happened(self, source: str, target: str, mark: str) -> bool:
            return True

        def undo(self, source: str, target: str, mark: str) -> None:
            seen.append(target)

    monkeypatch.setitem(effects.EFFECTS, "noted", Recorder())
    for target in ("first", "second", "third"):
        m.Effect.objects.create(run="r", table="photo", item=1, stage="s", kind="noted", target=target, state="undoing")
    assert effects.undo_pending("r") == 3
    assert seen == ["third", "second", "first"]
    assert effects.undo_pending("r") == 0


def test_a_cancelled_run_leaves_its_journal_to_the_next_one(darkroom: Any) -> None:
    darkroom.add("a b", move=True)
    run = darkroom.start()
    darkroom.step(run)
    darkroom.ledger.claim(run, FREE)
    darkroom.recover()
    control.cancel(darkroom.run(run), darkroom.clock)
    darkroom.drive(run)
    darkroom.go()
    assert not list((darkroom.home / "card").iterdir())
    assert darkroom.wrong() == []
