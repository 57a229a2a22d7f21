from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.errors import Blocking
from penstock.engine.failpoint import SimulatedCrash, armed
from penstock.ledger import control
from penstock.ledger import models as m
from penstock.oracle import examine
from penstock.pipelines.photos.models import Photo
from tests.conformance import plant


def test_a_run_with_nothing_in_scope_completes(store: Any) -> None:
    run = store.start(plant.pipeline(), [])
    assert store.ledger.rest(run).finished
    assert (control.find(run).status, control.find(run).active_key) == ("completed", None)


def test_a_run_is_not_over_while_a_batch_is_open_or_a_row_is_ready(store: Any) -> None:
    run = store.start(plant.pipeline(), ["", "", "", ""])
    assert store.ledger.rest(run).due == 0.0
    store.ledger.claim(run, {"cpu": 1})
    control.cancel(control.find(run), store.clock)
    assert not store.ledger.rest(run).finished
    assert control.find(run).status == "running"


def test_the_rest_says_when_a_delayed_row_is_due(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    store._widget.objects.update(available_at=store.clock.monotonic() + 100)
    due = store.ledger.rest(run).due
    assert 99 < due <= 100
    assert store.ledger.claim(run, {"cpu": 1}) is None


def test_finishing_twice_writes_one_event(store: Any) -> None:
    run = store.start(plant.pipeline(), [])
    for _ in range(3):
        store.ledger.rest(run)
    assert m.Event.objects.filter(kind="completed").count() == 1


def test_broken_and_waiting_items_do_not_keep_a_run_open(store: Any) -> None:
    run = store.start(plant.pipeline(), ["item", "quarantine", ""])
    plant.drive(store.ledger, run)
    assert control.find(run).status == "completed"


def test_a_row_whose_child_is_in_nobody_s_hands_goes_back_to_the_backlog(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    store._widget.objects.update(open_children=1)
    store._part.objects.create(site=store.site, stage="polish", parent="widget:1", origin="x")
    m.SiteCounter.objects.create(site=store.site, table="part", stage="polish", state="ready", n=1)
    assert store.ledger.rest(run).finished
    assert store.rows()[1]["run"] is None
    assert examine(deep=True) == []


def blocked(item: Any) -> Any:
    raise Blocking("the disk is full", code="disk")


def test_a_blocking_failure_rolls_the_run_back_and_says_why(darkroom: Any) -> None:
    darkroom.add("a b", move=True)
    before, tree = darkroom.rows(), darkroom.tree()
    darkroom.overrides = {"work": blocked}
    run = darkroom.go()
    one = darkroom.run(run)
    assert (one.status, one.error_message, one.active_key) == ("failed", "the disk is full", None)
    assert darkroom.rows() == before
    assert darkroom.tree() == tree
    assert darkroom.wrong() == []


def test_a_site_may_want_a_pause_instead_and_can_go_on(darkroom: Any) -> None:
    darkroom.site.settings = {"on_blocking": "pause"}
    darkroom.site.save()
    darkroom.add("a b")
    darkroom.overrides = {"work": blocked}
    run = darkroom.go()
    assert darkroom.run(run).status == "paused"
    assert darkroom.wrong() == []
    darkroom.overrides = {}
    darkroom.process()
    control.resume(darkroom.run(run), darkroom.clock)
    assert darkroom.drive(run) == "completed"
    assert Photo.objects.filter(state="waiting").count() == 2


@pytest.mark.parametrize("point", ["rollback.marked", "rollback.undone", "*.before_commit", "*.after_commit"])
def test_a_blocking_failure_killed_in_its_rollback_ends_the_same_and_is_told_once(darkroom: Any, point: str) -> None:
    darkroom.add("a b")
    before = darkroom.rows()
    darkroom.overrides = {"work": blocked}
    run = darkroom.start()
    while darkroom.step(run):
        pass
    for nth in range(1, 4):
        try:
            with armed(f"{point}=crash@{nth}"):
                darkroom.ledger.rest(run)
        except SimulatedCrash:
            darkroom.recover()
    assert darkroom.ledger.rest(run).finished
    assert (darkroom.run(run).status, darkroom.run(run).active_key) == ("failed", None)
    assert m.Event.objects.filter(kind="rolled_back").count() == 1
    assert darkroom.rows() == before
    assert darkroom.wrong() == []
