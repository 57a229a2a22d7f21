from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.errors import Died, LeaseLost
from penstock.engine.outcome import Done, Fail, Note, Retry
from penstock.engine.port import Later, Result
from penstock.ledger import control, sweep
from penstock.ledger import models as m
from penstock.oracle import examine
from penstock.pipelines.photos.models import Photo, ReservedName
from tests.conformance import plant
from tests.ledger.darkroom import FREE


def test_a_claim_takes_the_deepest_stage_that_is_open(store: Any) -> None:
    run = store.start(plant.pipeline(barrier=False), [""] * 4)
    store._widget.objects.filter(id=4).update(stage="join")
    m.StageRun.objects.filter(name="cut").update(ready=3)
    m.StageRun.objects.filter(name="join").update(ready=1)
    assert store.ledger.claim(run, {"cpu": 1}).stage.name == "join"
    assert store.ledger.claim(run, {"cpu": 1}).stage.name == "cut"


def test_a_barrier_stays_shut_while_anything_upstream_is_ready_leased_or_delayed(store: Any) -> None:
    run = store.start(plant.pipeline(size=1), ["", ""])
    first = store.ledger.claim(run, {"cpu": 1})
    store.ledger.settle(first, [Result(1, Done())], True)
    second = store.ledger.claim(run, {"cpu": 1})
    assert store.ledger.claim(run, {"cpu": 1}) is None
    store.ledger.settle(second, [Result(2, Retry("later", after=1000.0))], True)
    assert store.ledger.claim(run, {"cpu": 1}) is None
    store._widget.objects.filter(id=2).update(available_at=0)
    store.ledger.settle(store.ledger.claim(run, {"cpu": 1}), [Result(2, Fail("bent"))], True)
    assert store.ledger.claim(run, {"cpu": 1}).stage.name == "number"


def test_a_delay_is_obeyed_by_every_driver(darkroom: Any) -> None:
    darkroom.overrides = {"delay": 30.0, "size": 1}
    darkroom.add("a b")
    run = darkroom.start()
    while (batch := darkroom.ledger.claim(run, FREE)).stage.name != "read_exif":
        darkroom.settle(batch)
    darkroom.settle(batch)
    other = darkroom.process()
    assert other.claim(run, FREE) is None
    darkroom.clock.advance(29.9)
    assert other.claim(run, FREE) is None
    darkroom.clock.advance(0.2)
    assert other.claim(run, FREE).stage.name == "read_exif"


def test_an_ordered_stage_goes_on_in_order_after_a_batch_was_lost(darkroom: Any) -> None:
    darkroom.add("a b c d e")
    run = darkroom.start()
    while (batch := darkroom.ledger.claim(run, FREE)).stage.name != "queue_rows":
        darkroom.settle(batch)
    assert darkroom.ledger.claim(run, FREE) is None
    darkroom.recover()
    again = darkroom.ledger.claim(run, FREE)
    assert [item["id"] for item in again.items] == [item["id"] for item in batch.items]
    with pytest.raises(LeaseLost):
        darkroom.settle(batch)
    darkroom.settle(again)
    darkroom.drive(run)
    named = Photo.objects.order_by("ordinal").values_list("File_Name", flat=True)
    assert [name[-7:-4] for name in named] == ["001", "002", "003", "004", "005"]
    assert darkroom.wrong() == []


def test_a_name_that_was_taken_meanwhile_sends_the_batch_back_for_the_next_free_one(darkroom: Any) -> None:
    darkroom.add("a b")
    run = darkroom.start()
    while (batch := darkroom.ledger.claim(run, FREE)).stage.name != "queue_rows":
        darkroom.settle(batch)
    outcome = batch.stage.work([dict(item) for item in batch.items])[0]
    taken = outcome.makes[0]
    ReservedName.objects.create(site=darkroom.site, owner=0, key=taken.key, **taken.fields)
    darkroom.settle(batch)
    assert set(Photo.objects.values_list("state", "error_code")) == {("ready", "conflict")}
    darkroom.drive(run)
    assert [name[-7:-4] for name in Photo.objects.order_by("id").values_list("File_Name", flat=True)] == ["002", "003"]
    assert darkroom.wrong() == []


def test_slices_extend_the_lease_and_the_last_closes_the_batch(darkroom: Any) -> None:
    darkroom.add("a b c")
    run = darkroom.start()
    batch = darkroom.ledger.claim(run, FREE)
    darkroom.clock.advance(50)
    first, *rest = [Result(item["id"], Done()) for item in batch.items]
    darkroom.ledger.settle(batch, [first], False)
    assert m.Batch.objects.get().until == darkroom.clock.monotonic() + 60
    darkroom.ledger.settle(batch, rest, True)
    assert not m.Batch.objects.get().open
    with pytest.raises(LeaseLost):
        darkroom.ledger.settle(batch, rest, True)


def test_three_deaths_set_an_item_aside_and_cost_no_attempt(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    for n in (1, 2, 3):
        batch = store.ledger.claim(run, {"cpu": 1})
        store.ledger.settle(batch, [Result(1, Died("boom", cause="memory"), batch.items[0]["attempt"])], True)
        row = store.rows()[1]
        assert row["deaths"] == n
    assert (row["state"], row["error_code"]) == ("quarantined", "memory")
    assert examine(deep=True) == []


def test_what_is_given_back_untried_costs_nothing(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    for _ in range(5):
        batch = store.ledger.claim(run, {"cpu": 1})
        store.ledger.settle(batch, [Result(1, Later(), batch.items[0]["attempt"])], True)
    row = store.rows()[1]
    assert (row["attempts"], row["state"], row["error"]) == (0, "ready", "")


def test_notes_of_the_work_reach_the_log_cleaned(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    batch = store.ledger.claim(run, {"cpu": 1})
    store.ledger.settle(batch, [Result(1, Done(notes=(Note("sharp\n[ERROR] forged", "WARN"),)))], True)
    lines = [line for event in m.Event.objects.filter(kind="settled") for line in event.lines]
    assert ["WARN", "sharp\\n[ERROR] forged"] in lines


def test_a_pause_is_told_once_with_its_first_reason(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    for _ in range(5):
        store.ledger.hold(run, "the model server is down")
    store.ledger.hold(run, "the disk is slow")
    assert m.Event.objects.filter(kind="held").count() == 1
    assert control.find(run).error_message == "the model server is down"


def test_the_first_blocking_failure_is_the_one_that_is_told(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    store.ledger.block(run, "first", "disk")
    store.ledger.block(run, "second", "other")
    assert (control.find(run).error_message, control.find(run).blocked) == ("first", "disk")
    assert m.Event.objects.filter(kind="blocked").count() == 1


def test_a_heartbeat_extends_what_is_held_and_names_what_was_lost(store: Any) -> None:
    run = store.start(plant.pipeline(size=1), ["", ""])
    kept, lost = store.ledger.claim(run, {"cpu": 1}), store.ledger.claim(run, {"cpu": 1})
    sweep.free(store.ledger, m.Batch.objects.get(id=lost.id))
    m.Batch.objects.update(until=0.0)
    assert store.ledger.beat([kept, lost]) == {lost.id}
    assert m.Batch.objects.get(id=kept.id).until > store.clock.monotonic() > m.Batch.objects.get(id=lost.id).until
    assert store.ledger.beat([]) == set()
    assert control.find(run).driver == store.ledger.me.to_text()


def test_peaks_only_rise(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    for cpu, memory in ((50.0, 100.0), (40.0, 200.0), (10.0, 10.0)):
        store.ledger.peaks(run, "cut", {"cpu_percent": cpu, "rss_mb": memory})
    cut = m.StageRun.objects.get(name="cut")
    assert (cut.cpu_percent, cut.rss_mb) == (50.0, 200.0)
