from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.engine.errors import LeaseLost
from penstock.engine.failpoint import SimulatedCrash, armed
from penstock.engine.outcome import Done, Fail, File, Merge, Retry, Row
from penstock.engine.port import Result
from penstock.ledger import apply, control
from penstock.ledger import models as m
from penstock.oracle import examine
from penstock.pipelines.photos.models import Photo
from tests.conformance import plant


def claimed(store: Any, run: str, stage: str) -> Any:
    """Claim and finish batches until one of `stage` comes."""
    for _ in range(20):
        batch = store.ledger.claim(run, {"cpu": 9})
        assert batch is not None, f"{stage} never comes"
        if batch.stage.name == stage:
            return batch
        work(store, batch)
    raise AssertionError(stage)


def work(store: Any, batch: Any) -> None:
    items = [dict(item) for item in batch.items]
    whats = batch.stage.work(items) if batch.stage.per == "set" else [batch.stage.work(item) for item in items]
    results = [Result(item["id"], what, item["attempt"]) for item, what in zip(items, whats, strict=True)]
    store.ledger.settle(batch, results, True)


def settle(store: Any, batch: Any, *whats: Any, last: bool = True) -> None:
    results = [Result(item["id"], what, item["attempt"]) for item, what in zip(batch.items, whats, strict=True)]
    store.ledger.settle(batch, results, last)


def test_a_merged_child_no_longer_keeps_its_parent_waiting(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    batch = claimed(store, run, "polish")
    first, second = (item["id"] for item in batch.items)
    settle(store, batch, Done({"note": "shiny"}), Merge(first, "the same part"))
    assert store.rows()[1]["open_children"] == 0
    assert list(store.rows("part")) == [first] != [second]
    assert examine(deep=True) == []
    plant.drive(store.ledger, run)
    assert store.rows()[1]["state"] == "waiting"


def test_a_row_that_makes_its_children_again_does_not_wait_for_those_at_rest(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    settle(store, claimed(store, run, "join"), Fail("bent", "bent"))
    store.ledger.rest(run)
    again = control.retry(control.find(run), store.clock, store.ids, stage=2)
    plant.drive(store.ledger, again.id)
    assert store.rows()[1]["state"] == "waiting"
    assert len(store.rows("part")) == 2
    assert examine(deep=True) == []


def test_a_refresh_is_tried_again_when_a_person_approved_the_older_row_meanwhile(darkroom: Any) -> None:
    darkroom.add("a")
    darkroom.go()
    darkroom.add("a-again", card="card2")
    run = darkroom.start()
    while (batch := darkroom.ledger.claim(run, {"cpu": 9, "inline": 9})).stage.name != "queue_rows":
        darkroom.settle(batch)
    older = Photo.objects.order_by("id")[0].pk
    Photo.objects.filter(id=older).update(state="approved", Review_Status="Approved")
    darkroom.settle(batch)
    darkroom.clock.advance(1)
    darkroom.drive(run)
    assert Photo.objects.get().state == "approved"
    assert Photo.objects.get().pk == older


@pytest.mark.parametrize("state", ["leased", "approved", "done"])
def test_a_row_that_somebody_works_on_or_approved_is_not_taken_into_a_run(store: Any, state: str) -> None:
    run = store.start(plant.pipeline(), ["", "", ""])
    batch = claimed(store, run, "cut")
    store.ledger.settle(batch, [Result(1, Done()), Result(2, Done())], False)
    m.StageRun.objects.update(ready=0)
    store._widget.objects.filter(id=1).update(state=state)
    store.ledger.settle(batch, [Result(3, Merge(1, "same", "cut"))], True)
    assert (store.rows()[3]["state"], store.rows()[3]["error_code"]) == ("ready", "conflict")
    assert store.rows()[1]["state"] == state


def test_only_the_item_that_met_a_taken_key_is_tried_again(store: Any) -> None:
    run = store.start(plant.pipeline(), ["", "", ""])
    batch = claimed(store, run, "cut")
    taken = m.Run.objects.get(id=run).site_id
    store._widget.objects.create(site_id=taken, stage="cut", state="failed", id=99, origin="widget:2:name:x")
    clash = Done({"origin": "widget:2:name:x"})
    settle(store, batch, Done({"note": "one"}), clash, Done({"note": "three"}))
    rows = store.rows()
    assert [rows[n]["stage"] for n in (1, 2, 3)] == ["number", "cut", "number"]
    assert rows[2]["error_code"] == "conflict"
    assert not m.Batch.objects.filter(open=True).exists()


def test_a_failure_in_a_slice_with_a_conflict_stays_a_failure(store: Any) -> None:
    run = store.start(plant.pipeline(per="batch", work=lambda items: []), ["", ""])
    batch = claimed(store, run, "cut")
    store._widget.objects.create(site=store.site, stage="cut", state="failed", id=99, origin="taken")
    settle(store, batch, Done({"origin": "taken"}), Fail("bent", "bent"))
    assert [(r["state"], r["error_code"]) for n, r in store.rows().items() if n < 99] == [
        ("ready", "conflict"), ("failed", "bent"),
    ]  # fmt: skip


def test_made_rows_exist_once_however_often_they_are_made(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    batch = claimed(store, run, "cut")
    twice = (Row("part", "0", {"note": "x"}), Row("part", "1", {"note": "y"}))
    settle(store, batch, Done(makes=twice))
    store._widget.objects.update(stage="cut", state="ready")
    m.StageRun.objects.filter(name="number").update(ready=0)
    m.StageRun.objects.filter(name="cut").update(ready=1)
    settle(store, claimed(store, run, "cut"), Done(makes=twice))
    assert len(store.rows("part")) == 2
    assert (store.rows()[1]["stage"], store.rows()[1]["error_code"]) == ("number", "")


def test_a_settle_names_the_moves_of_rows_that_it_made(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    work(store, claimed(store, run, "number"))
    moves = m.Event.objects.filter(stage="number").get().moves
    parts = sorted(store.rows("part"))
    assert [move for move in moves if move[0] == "part"] == [["part", "", "polish/ready", parts]]


def test_nothing_is_written_for_a_batch_that_was_freed(store: Any) -> None:
    run = store.start(plant.pipeline(), ["", ""])
    batch = claimed(store, run, "cut")
    store.lose(batch)
    before = m.Event.objects.count()
    with pytest.raises(LeaseLost):
        settle(store, batch, Merge(2, "same"), Retry("again"))
    assert len(store.rows()) == 2
    assert m.Event.objects.count() == before


def test_a_file_is_renamed_over_an_older_one_and_the_work_file_is_gone(tmp_path: Path) -> None:
    work, path = tmp_path / "work" / "a", tmp_path / "deep" / "down" / "a"
    for file, text in ((work, "new"), (path, "old")):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    file = File(str(work), str(path), "", 3)
    apply.place([file])
    apply.place([file])  # again: nothing to do
    assert path.read_text() == "new"
    assert not work.exists()


@pytest.mark.parametrize("point", ["ledger.before_rename", "ledger.after_rename"])
def test_a_rename_that_was_interrupted_is_finished_by_doing_it_again(tmp_path: Path, point: str) -> None:
    files = [File(str(tmp_path / f"w{n}"), str(tmp_path / "to" / str(n)), "", 1) for n in range(3)]
    for file in files:
        Path(file.work).write_text("x")
    with pytest.raises(SimulatedCrash), armed(f"{point}=crash@2"):
        apply.place(files)
    apply.place(files)
    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == ["0", "1", "2"]


def test_a_file_that_the_journal_forgets_cannot_come_back(store: Any, tmp_path: Path, synced: list[Path]) -> None:
    (tmp_path / "a").write_text("a")
    artefact = m.Artefact.objects.create(
        run="r", table="widget", item=1, stage="cut", batch=1, work=str(tmp_path / "w"), path=str(tmp_path / "a"),
        sha256="", size=1,
    )  # fmt: skip
    apply.drop_artefacts([artefact])
    assert synced == [tmp_path]
    assert not m.Artefact.objects.exists()
