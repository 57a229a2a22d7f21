"""One suite over every ledger: what the loop may rely on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock import engine, ledger
from penstock.engine.errors import LeaseLost
from penstock.engine.outcome import Done
from penstock.engine.pipeline import Pipeline, Stage
from penstock.engine.port import Later, Result
from tests.conformance import plant
from tests.conformance.stores import InMemory, OnDisk


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Each ledger in turn, empty."""
    request.getfixturevalue("ledger_home")
    if request.param == "memory":
        yield InMemory()
        return
    yield OnDisk()
    for name in ("widget", "part"):
        ledger.TABLES.pop(name).objects.all().delete()
    engine.PIPELINES.pop("plant", None)


def finish(store: Any, plans: list[str], **overrides: Any) -> dict[int, dict[str, Any]]:
    """Drive a run over these plans to rest."""
    run = store.start(plant.pipeline(**overrides), plans)
    plant.drive(store.ledger, run)
    store.run = run
    return dict(store.rows())


def test_every_widget_goes_through_all_stages_and_waits_at_the_gate(store: Any) -> None:
    rows = finish(store, [""] * 7)
    assert [(r["stage"], r["state"], r["note"]) for r in rows.values()] == [("look", "waiting", "whole")] * 7
    assert store.status(store.run)[0] == "completed"


def test_a_set_stage_sees_the_whole_set_in_order(store: Any) -> None:
    rows = finish(store, ["", "once", "", ""])
    assert [rows[n]["number"] for n in (1, 2, 3, 4)] == [1, 2, 3, 4]


def test_a_parent_waits_for_the_rows_that_it_made(store: Any) -> None:
    finish(store, ["", ""])
    parts = store.rows("part").values()
    assert [(p["state"], p["note"]) for p in parts] == [("done", "shiny")] * 4
    assert all(r["open_children"] == 0 for r in store.rows().values())


def test_a_transient_error_is_tried_again_and_then_fails_the_item_alone(store: Any) -> None:
    rows = finish(store, ["transient", ""])
    assert (rows[1]["state"], rows[1]["error_code"]) == ("failed", "transient")
    assert rows[2]["state"] == "waiting"


def test_a_fallback_goes_on_with_the_next_way(store: Any) -> None:
    run = store.start(plant.pipeline(), ["fallback"])
    while (batch := store.ledger.claim(run, {"cpu": 1})).stage.name == "cut":
        store.ledger.settle(batch, [Result(1, plant.cut(dict(batch.items[0])), batch.items[0]["attempt"])], True)
    assert store.rows()[1]["note"] == "cut way 1"


@pytest.mark.parametrize(("plan", "state", "code"), [
    ("item", "failed", "bent"), ("bug", "failed", "bug"), ("quarantine", "quarantined", "quarantined"),
    ("died", "quarantined", "crashed"),
])  # fmt: skip
def test_a_broken_item_ends_with_its_reason_and_the_rest_goes_on(store: Any, plan: str, state: str, code: str) -> None:
    rows = finish(store, ["", plan, ""])
    assert (rows[2]["state"], rows[2]["error_code"]) == (state, code)
    assert [rows[n]["state"] for n in (1, 3)] == ["waiting", "waiting"]


def test_a_native_crash_of_a_child_is_survived_and_quarantines_its_item_after_three_deaths(
    store: Any,
) -> None:
    rows = finish(store, ["", "crash", ""], **plant.child_limits(idle=20, hard=20, start=20))
    assert (rows[2]["state"], rows[2]["deaths"]) == ("quarantined", 3)
    assert [rows[n]["state"] for n in (1, 3)] == ["waiting", "waiting"]


def test_what_is_down_outside_pauses_the_run_and_burns_no_attempt(store: Any) -> None:
    rows = finish(store, ["down"])
    assert store.status(store.run) == ("paused", "the saw is down")
    assert (rows[1]["state"], rows[1]["attempts"]) == ("ready", 0)


def test_a_blocking_failure_ends_the_run_as_failed(store: Any) -> None:
    finish(store, ["block", ""])
    assert store.status(store.run) == ("failed", "no blades")


def test_a_merged_item_is_gone(store: Any) -> None:
    rows = finish(store, ["", "same:1"])
    assert list(rows) == [1]
    assert store.status(store.run)[0] == "completed"


def test_a_pause_keeps_the_rest_and_a_resume_does_exactly_the_rest(store: Any) -> None:
    run = store.start(plant.pipeline(), [""] * 4)
    batch = store.ledger.claim(run, {"cpu": 1})
    store.ask(run, pause=True)
    assert store.ledger.claim(run, {"cpu": 1}) is None
    store.ledger.settle(batch, [Result(i["id"], Done({"note": "by hand"})) for i in batch.items], True)
    plant.drive(store.ledger, run)
    assert store.status(run)[0] == "paused"
    store.resume(run)
    plant.drive(store.ledger, run)
    assert {r["state"] for r in store.rows().values()} == {"waiting"}


def test_a_cancel_returns_unfinished_rows_to_the_backlog(store: Any) -> None:
    run = store.start(plant.pipeline(), [""] * 4)
    store.ask(run, cancel=True)
    plant.drive(store.ledger, run)
    assert store.status(run)[0] == "cancelled"
    assert {(r["state"], r["run"]) for r in store.rows().values()} == {("ready", None)}


def test_a_holder_declared_dead_changes_nothing(store: Any) -> None:
    run = store.start(plant.pipeline(), ["", ""])
    batch = store.ledger.claim(run, {"cpu": 1})
    store.lose(batch)
    with pytest.raises(LeaseLost):
        store.ledger.settle(batch, [Result(1, Done({"note": "too late"}))], True)
    assert {(r["state"], r["losses"], r["attempts"], r["note"]) for r in store.rows().values()} == {("ready", 1, 0, "")}


def test_a_holder_declared_dead_cannot_even_close_its_batch(store: Any) -> None:
    run = store.start(plant.pipeline(), ["", ""])
    batch = store.ledger.claim(run, {"cpu": 1})
    store.lose(batch)
    with pytest.raises(LeaseLost):
        store.ledger.settle(batch, [], True)


def test_what_a_lost_holder_held_is_claimed_alone(store: Any) -> None:
    run = store.start(plant.pipeline(), ["", ""])
    store.lose(store.ledger.claim(run, {"cpu": 1}))
    assert len(store.ledger.claim(run, {"cpu": 1}).items) == 1


def test_an_item_that_lost_ten_holders_is_set_aside(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    for _ in range(10):
        store.lose(store.ledger.claim(run, {"cpu": 1}))
    row = store.rows()[1]
    assert (row["state"], row["losses"], row["error_code"]) == ("quarantined", 10, "lost")
    assert store.ledger.claim(run, {"cpu": 1}) is None


def test_of_what_lost_its_holder_the_fewest_losses_come_first_whatever_their_stage(store: Any) -> None:
    """Else kills that come faster than work gather on the few items of the deepest stage, and set them aside."""
    whole = [Stage(n, name, name, "widget", "inline", work=plant.cut) for n, name in ((1, "cut"), (2, "join"))]
    run = store.start(Pipeline("plant", tuple(whole)), ["", ""])

    def claim() -> tuple[int, str, Any]:
        batch = store.ledger.claim(run, {"cpu": 1})
        return batch.items[0]["id"], batch.stage.name, batch

    first = claim()[2]
    store.ledger.settle(first, [Result(1, Done(), 1)], True)
    for expected in ((1, "join"), (2, "cut"), (1, "join"), (2, "cut"), (1, "join")):
        item, stage, batch = claim()
        assert (item, stage) == expected
        store.lose(batch)


def test_a_turn_claims_one_item_that_lost_its_holder_however_much_room_there_is(store: Any) -> None:
    """What is claimed ahead is charged too when its holder is lost."""
    run = store.start(plant.pipeline(), ["", "", ""])
    store.lose(store.ledger.claim(run, {"cpu": 3}))
    assert [len(batch.items) for batch in store.ledger.turn((), [run], {"cpu": 10}).batches] == [1]
    assert [len(batch.items) for batch in store.ledger.turn((), [run], {"cpu": 10}).batches] == [1]


def test_what_lost_its_holder_comes_after_everything_else(store: Any) -> None:
    run = store.start(plant.pipeline(), [""] * 5)
    lost = store.ledger.claim(run, {"cpu": 1})
    store.lose(lost)
    batch = store.ledger.claim(run, {"cpu": 1})
    assert [item["id"] for item in batch.items] == [4, 5]
    assert [item["id"] for item in store.ledger.claim(run, {"cpu": 1}).items] == [1]


def test_a_slice_that_was_written_already_is_not_written_again(store: Any) -> None:
    run = store.start(plant.pipeline(), ["", ""])
    batch = store.ledger.claim(run, {"cpu": 2})
    store.ledger.settle(batch, [Result(1, Done({"note": "first"}))], False)
    with pytest.raises(LeaseLost):
        store.ledger.settle(batch, [Result(1, Done({"note": "again"}))], False)
    assert (store.rows()[1]["stage"], store.rows()[1]["note"]) == ("number", "first")


def test_a_second_holder_cannot_settle_the_first_ones_batch(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    batch = store.ledger.claim(run, {"cpu": 1})
    with pytest.raises(LeaseLost):
        store.another("b").settle(batch, [Result(1, Done())], True)


def test_a_run_rests_between_two_stages_as_long_as_it_was_told(store: Any) -> None:
    line = replace(plant.pipeline(), between_delay=30.0)
    run = store.start(line, [""])
    batch = store.ledger.claim(run, {"cpu": 1})
    store.ledger.settle(batch, [Result(1, Done())], True)
    assert store.ledger.claim(run, {"cpu": 1}) is None


@pytest.mark.parametrize("n", [2, 8, 13])
def test_a_failing_batch_is_tried_again_then_halved_until_the_culprit_is_alone(store: Any, n: int) -> None:
    """Each list that holds the culprit is tried twice, each that does not once: 2 per halving and 1 beside it."""
    calls: list[int] = []

    def weigh(items: list[dict[str, Any]]) -> list[Done]:
        calls.append(len(items))
        if any(item["plan"] == "poison" for item in items):
            raise ValueError("the scales jammed")
        return [Done({"note": "weighed"}) for _ in items]

    plans = [""] * n
    plans[n * 2 // 3] = "poison"
    rows = finish(store, plans, per="batch", size=n, work=weigh)
    states = {r["plan"]: r["state"] for r in rows.values()}
    assert states == {"": "waiting", "poison": "failed"}
    assert sum(r["state"] == "waiting" for r in rows.values()) == n - 1
    tries = 3  # of the plant's first stage: what the culprit may have spent once it is alone
    assert len(calls) <= 2 + 3 * math.ceil(math.log2(n)) + tries
    assert calls[:2] == [n, n]


def test_an_ordered_stage_never_passes_over_a_row_that_waits(store: Any) -> None:
    run = store.start(plant.pipeline(ordered=True, per="batch"), ["", "", ""])
    batch = store.ledger.claim(run, {"cpu": 1})
    results = [Result(1, Done()), Result(2, Later(30.0)), Result(3, Later())]
    store.ledger.settle(batch, results, True)
    assert store.ledger.claim(run, {"cpu": 1}) is None


def test_a_lane_without_room_claims_nothing(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])
    assert store.ledger.claim(run, {"cpu": 0}) is None


def test_the_home_is_left_clean(store: Any, home: Path) -> None:
    finish(store, [""])
    assert not list((home / ".work").glob("*"))
