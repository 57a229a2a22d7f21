from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.failpoint import SimulatedCrash, armed
from penstock.ledger import adoption, control, sweep
from penstock.ledger import models as m
from penstock.ledger.tx import commits
from penstock.oracle import examine
from tests.conformance import plant

commits("test")  # what the store's rows are made in


@pytest.fixture(autouse=True)
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "PAGE", 2)


def broken_off(store: Any, hit: int = 1) -> m.Run:
    """A run whose starter was killed before it had taken its five rows."""
    with pytest.raises(SimulatedCrash), armed(f"adoption.page.before_commit=crash@{hit}"):
        store.start(plant.pipeline(), [""] * 5)
    return m.Run.objects.get()


def test_a_backlog_of_several_pages_is_taken_whole_and_its_log_says_how_much(store: Any) -> None:
    run = control.find(store.start(plant.pipeline(), [""] * 5))
    assert not run.adopting
    assert {row["run"] for row in store.rows().values()} == {run.id}
    assert m.BeforeImage.objects.filter(run=run.id).count() == 5
    told = [event.lines[0][1] for event in m.Event.objects.filter(run=run.id).order_by("id")]
    assert told == [
        f"Run {run.id} of site plant started with 2 items so far",
        f"Run {run.id} has taken the backlog: 5 items",
    ]
    assert examine(deep=True) == []


def test_a_backlog_that_fills_its_last_page_ends_with_an_empty_one(store: Any) -> None:
    run = control.find(store.start(plant.pipeline(), [""] * 4))
    assert not run.adopting
    assert m.StageRun.objects.get(run=run, number=1).ready == 4


@pytest.mark.parametrize("hit", [1, 2])
def test_nothing_is_worked_before_the_whole_backlog_is_taken(store: Any, hit: int) -> None:
    run = broken_off(store, hit)
    assert run.adopting
    assert store.ledger.runs() == []
    assert store.ledger.claim(run.id, {"cpu": 9}) is None
    assert not store.ledger.rest(run.id).finished
    assert examine(deep=True) == []


@pytest.mark.parametrize("look", [sweep.recover, sweep.free_expired])
def test_recovery_takes_what_a_killed_starter_left(store: Any, look: Any) -> None:
    run = broken_off(store)
    look(store.ledger)
    assert not control.find(run.id).adopting
    assert {row["run"] for row in store.rows().values()} == {run.id}
    plant.drive(store.ledger, run.id)
    assert {row["state"] for row in store.rows().values()} == {"waiting"}  # at the gate
    assert examine(deep=True) == []


def test_two_that_go_on_with_a_start_take_each_row_once(store: Any) -> None:
    run = broken_off(store)
    adoption.go_on(run, store.clock)
    adoption.go_on(run, store.clock)  # what it was when it was read
    assert m.BeforeImage.objects.filter(run=run.id).count() == 5
    assert m.StageRun.objects.get(run=run, number=1).ready == 5


def test_a_run_that_is_cancelled_while_it_takes_its_backlog_gives_it_back(store: Any) -> None:
    run = broken_off(store)
    control.cancel(run, store.clock)
    sweep.recover(store.ledger)
    assert store.ledger.rest(run.id).finished
    assert {row["run"] for row in store.rows().values()} == {None}
    assert examine(deep=True) == []


def test_a_scope_is_taken_in_one_transaction(store: Any) -> None:
    run = control.find(store.start(plant.pipeline(), [""] * 5))
    control.cancel(run, store.clock)
    store.ledger.rest(run.id)
    second = control.start(store.site, store.clock, store.ids, scope={"widget": [1, 3, 4]})
    assert not second.adopting
    assert sorted(n for n, row in store.rows().items() if row["run"] == second.id) == [1, 3, 4]
    assert m.Event.objects.filter(run=second.id).count() == 1
