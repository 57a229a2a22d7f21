from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from penstock import ledger
from penstock.engine.errors import LeaseLost
from penstock.engine.failpoint import SimulatedCrash, armed
from penstock.engine.ids import ProcessIdentity
from penstock.engine.outcome import Done, Retry
from penstock.engine.port import Result
from penstock.ledger import models as m
from penstock.ledger import sweep
from penstock.ledger.store import DjangoLedger
from penstock.oracle import examine
from penstock.pipelines.photos.models import Photo
from tests.conformance import plant
from tests.ledger.darkroom import FREE

DEAD = ("*.before_commit", "*.after_commit", "ledger.before_rename", "ledger.after_rename")


def crash(action: Any, spec: str) -> bool:
    try:
        with armed(spec):
            action()
    except SimulatedCrash:
        return True
    return False


@pytest.mark.parametrize("point", DEAD)
def test_a_run_killed_anywhere_ends_as_if_nothing_had_happened(darkroom: Any, point: str) -> None:
    darkroom.add("a b bad")
    darkroom.go()
    golden, tree = darkroom.rows()["photo"], darkroom.tree()
    for nth in (1, 2, 3, 4, 5, 7, 9, 12, 16):
        again = _again(darkroom)
        crashed = crash(lambda run=again: darkroom.drive(run), f"{point}=crash@{nth}")
        if crashed:
            darkroom.recover()
            assert darkroom.wrong() == []
            darkroom.drive(again)
        assert _alike(darkroom.rows()["photo"]) == _alike(golden)
        assert len(darkroom.tree()) == len(tree)
        assert darkroom.wrong() == []
        if not crashed:
            break


def _again(darkroom: Any) -> str:
    """Undo the last run and start anew over the same originals."""
    from penstock.ledger import rollback

    last = m.Run.objects.select_related("site").order_by("-started_at", "-id")[0]
    rollback.rollback(last, darkroom.clock.wall())
    darkroom.clock.advance(10)
    return str(darkroom.start())


def _alike(photos: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in photo.items() if k not in ("id", "ordinal", "origin")} for photo in photos]


@pytest.mark.parametrize("second", DEAD)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_recovery_may_itself_be_killed(darkroom: Any, second: str, nth: int) -> None:
    darkroom.add("a b c")
    run = darkroom.start()
    assert crash(lambda: darkroom.drive(run), "ledger.before_rename=crash@2")
    if crash(darkroom.recover, f"{second}=crash@{nth}"):
        darkroom.recover()
    assert darkroom.wrong() == []
    assert darkroom.drive(run) == "completed"
    assert darkroom.wrong() == []
    assert Photo.objects.filter(state="waiting").count() == 3


def test_a_second_recovery_finds_nothing_and_changes_nothing(darkroom: Any) -> None:
    darkroom.add("a b")
    run = darkroom.start()
    darkroom.step(run)
    darkroom.ledger.claim(run, FREE)
    assert not darkroom.recover().nothing
    before, events = darkroom.rows(volatile=True), m.Event.objects.count()
    assert darkroom.recover().nothing
    assert darkroom.rows(volatile=True) == before
    assert m.Event.objects.count() == events


def test_a_dry_run_counts_and_changes_nothing(darkroom: Any) -> None:
    darkroom.add("a b c")
    run = darkroom.start()
    darkroom.ledger.claim(run, FREE)
    before = darkroom.rows(volatile=True)
    found = sweep.recover(darkroom.process(), dry_run=True)
    assert (found.batches, found.items, found.interrupted) == (1, 3, 1)
    assert darkroom.rows(volatile=True) == before
    assert m.Batch.objects.filter(open=True).count() == 1


def test_files_committed_by_a_slice_are_put_in_place_when_their_holder_died(darkroom: Any) -> None:
    darkroom.overrides = {"size": 2}
    darkroom.add("a b")
    run = darkroom.start()
    while (batch := darkroom.ledger.claim(run, FREE)).stage.name != "read_exif":
        darkroom.settle(batch)
    from penstock.engine.lanes import Lanes

    results = Lanes(FREE, darkroom.clock).inline(batch.stage, [dict(item) for item in batch.items], darkroom.clock)
    assert crash(lambda: darkroom.ledger.settle(batch, results[:1], False), "ledger.before_rename=crash")
    working = darkroom.home / "data" / "working" / f"{results[0].item}.jpg"
    assert not working.exists()
    assert darkroom.recover().files == 1
    assert working.exists()
    assert not list((darkroom.home / ".work").iterdir())
    assert darkroom.wrong() == []


def test_the_attempt_of_a_lost_holder_is_refunded_and_the_loss_is_charged(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    store.lose(store.ledger.claim(run, {"cpu": 1}))
    row = store.rows()[1]
    assert (row["attempts"], row["losses"], row["batch"], row["state"]) == (0, 1, None, "ready")
    assert m.Run.objects.get().interrupted


def test_a_batch_is_freed_once_whoever_comes_second(store: Any) -> None:
    run = store.start(plant.pipeline(), ["", ""])
    batch = m.Batch.objects.get(id=store.ledger.claim(run, {"cpu": 1}).id)
    sweep.free(store.ledger, batch)
    sweep.free(store.ledger, batch)
    assert m.Event.objects.filter(kind="freed").count() == 1


def test_ten_lost_holders_set_an_item_aside(store: Any) -> None:
    run = store.start(plant.pipeline(), ["", ""])
    for _ in range(18):  # both at once, then each alone in turn
        store.lose(store.ledger.claim(run, {"cpu": 1}))
    states = sorted((row["state"], row["losses"]) for row in store.rows().values())
    assert states == [("quarantined", 10), ("ready", 9)]
    assert examine(deep=True) == []


def test_a_child_that_is_set_aside_no_longer_keeps_its_parent_waiting(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    while (batch := store.ledger.claim(run, {"cpu": 1})).stage.name != "polish":
        items = [dict(item) for item in batch.items]
        whats = batch.stage.work(items) if batch.stage.per == "set" else [batch.stage.work(i) for i in items]
        store.ledger.settle(batch, [Result(i["id"], w) for i, w in zip(items, whats, strict=True)], True)
    store._part.objects.update(losses=9)
    store.lose(batch)
    assert {row["state"] for row in store.rows("part").values()} == {"quarantined"}
    assert store.rows()[1]["open_children"] == 0
    assert examine(deep=True) == []


def test_a_holder_that_lives_is_left_alone_until_its_lease_runs_out(darkroom: Any) -> None:
    darkroom.add("a")
    alive = DjangoLedger(darkroom.clock, ProcessIdentity.me(), lease=60.0)
    run = darkroom.start()
    batch = alive.claim(run, FREE)
    assert sweep.free_expired(darkroom.ledger) == 0
    darkroom.clock.advance(59)
    assert alive.beat([batch]) == set()
    darkroom.clock.advance(59)
    assert sweep.free_expired(darkroom.ledger) == 0
    darkroom.clock.advance(2)
    assert sweep.free_expired(darkroom.ledger) == 1
    assert alive.beat([batch]) == {batch.id}
    with pytest.raises(LeaseLost):
        alive.settle(batch, [Result(item["id"], Done()) for item in batch.items], True)


def test_another_host_is_given_its_lease(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    store.ledger.claim(run, {"cpu": 1})
    m.Batch.objects.update(holder="elsewhere some-boot 5 5", boot="some-boot")
    assert sweep.recover(store.ledger).batches == 0
    m.Batch.objects.update(until=store.clock.monotonic() - 1)
    assert sweep.recover(store.ledger).batches == 1


def test_another_boot_of_this_host_is_dead_at_once(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    store.ledger.claim(run, {"cpu": 1})
    me = ProcessIdentity.me()
    m.Batch.objects.update(holder=f"{me.host} old-boot {os.getpid()} {me.started}", boot="old-boot")
    assert sweep.recover(store.ledger).batches == 1


def test_what_waited_in_the_seconds_of_another_boot_is_due(store: Any) -> None:
    run = store.start(plant.pipeline(delay=1e9), ["transient", ""])
    batch = store.ledger.claim(run, {"cpu": 1})
    results = [Result(1, Retry("later", after=1e9), 1), Result(2, Done())]
    store.ledger.settle(batch, results, True)
    sweep.recover(store.ledger)
    assert store.ledger.claim(run, {"cpu": 1}) is None
    m.Home.objects.update(boot="another-boot")
    sweep.recover(store.ledger)
    assert store.rows()[1]["available_at"] == 0.0
    assert m.Home.objects.get().boot == store.ledger.boot
    assert [item["id"] for item in store.ledger.claim(run, {"cpu": 1}).items] == [1]


def test_a_planned_effect_that_shows_in_the_world_is_marked_done(darkroom: Any) -> None:
    darkroom.add("a b")
    run = darkroom.start()
    darkroom.step(run)
    batch = darkroom.ledger.claim(run, FREE)
    first = m.Effect.objects.order_by("id")[0]
    Path(first.target).parent.mkdir(parents=True)
    Path(first.target).write_bytes(Path(first.source).read_bytes())
    darkroom.recover()
    assert list(m.Effect.objects.order_by("id").values_list("state", flat=True)) == ["done", "planned"]
    assert len(batch.items) == 2
    darkroom.drive(run)
    assert m.Effect.objects.filter(state="done").exclude(mark="").count() == 2
    assert darkroom.wrong() == []


def test_records_are_written_once_and_again_until_they_succeeded(store: Any, monkeypatch: Any) -> None:
    seen: list[str] = []

    def project(run: Any) -> None:
        seen.append(run.id)
        if len(seen) == 1:
            raise SimulatedCrash("while records were written")

    monkeypatch.setattr(ledger, "AFTER_RUN", [project])
    monkeypatch.setattr("penstock.ledger.store.AFTER_RUN", [project])
    run = store.start(plant.pipeline(), [])
    with pytest.raises(SimulatedCrash):
        store.ledger.rest(run)
    assert sweep.recover(store.ledger).records == 1
    assert sweep.recover(store.ledger).records == 0
    assert seen == [run, run]


def test_work_files_of_nobody_go_and_those_of_open_batches_stay(store: Any, home: Path) -> None:
    run = store.start(plant.pipeline(), [""])
    batch = store.ledger.claim(run, {"cpu": 1})
    folders = [store.site.root / ".work" / name for name in (str(batch.id), "999999", "notes")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "half").write_text("x")
    sweep.recover(store.ledger)
    assert [folder.exists() for folder in folders] == [True, False, True]
