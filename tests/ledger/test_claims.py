from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.errors import LeaseLost
from penstock.engine.outcome import Done, Row
from penstock.engine.pipeline import Pipeline, Stage
from penstock.engine.port import Batch, Result, Slice
from penstock.ledger import models as m
from penstock.oracle import examine


def line(**second: Any) -> Pipeline:
    """cut → sand → look, nothing between them."""
    how: dict[str, Any] = {"size": 2, **second}
    return Pipeline("plant", (
        Stage(1, "cut", "Cut", "widget", "inline", work=lambda item: Done(), size=4),
        Stage(2, "sand", "Sand", "widget", "inline", work=lambda item: Done(), **how),
        Stage(3, "look", "Look", "widget", "inline", work=lambda item: Done(), gate=True),
    ))  # fmt: skip


def done(batch: Batch, **more: Any) -> Slice:
    return Slice(batch, [Result(item["id"], Done(**more), item["attempt"]) for item in batch.items], True)


def sizes(batches: Any) -> list[tuple[str, list[int]]]:
    return [(batch.stage.name, [item["id"] for item in batch.items]) for batch in batches]


def test_what_is_done_is_leased_where_it_arrives_in_the_same_write(store: Any) -> None:
    run = store.start(line(), [""] * 4)
    turned = store.ledger.turn([done(store.ledger.claim(run, {"cpu": 1}))], [run], {"cpu": 9})
    assert sizes(turned.batches) == [("sand", [1, 2]), ("sand", [3, 4])]
    assert [(item["attempt"], item["stage"]) for item in turned.batches[0].items] == [(1, "sand")] * 2
    rows = [(r["stage"], r["state"], r["attempts"], r["batch"]) for r in store.rows().values()]
    first, second = (batch.id for batch in turned.batches)
    assert rows == [("sand", "leased", 1, number) for number in (first, first, second, second)]
    assert examine(deep=True) == []


def test_no_more_is_leased_where_it_arrives_than_its_lane_has_room_for(store: Any) -> None:
    run = store.start(line(size=1), [""] * 4)
    turned = store.ledger.turn([done(store.ledger.claim(run, {"cpu": 1}))], [run], {"cpu": 3})
    assert sizes(turned.batches) == [("sand", [1]), ("sand", [2]), ("sand", [3])]
    assert store.rows()[4]["state"] == "ready"
    assert examine(deep=True) == []


@pytest.mark.parametrize("how", [{"ordered": True}, {"barrier": True}, {"delay": 9.0}, {"per": "batch"}])
def test_a_stage_with_a_rule_of_its_own_is_claimed_by_that_rule(store: Any, how: dict[str, Any]) -> None:
    run = store.start(line(**how), [""] * 6)
    turned = store.ledger.turn([done(store.ledger.claim(run, {"cpu": 1}))], [run], {"cpu": 9})
    names = [name for name, _ in sizes(turned.batches)]
    assert names.count("sand") == {"barrier": 0, "per": 2}.get(next(iter(how)), 1)
    assert examine(deep=True) == []


def test_what_waits_there_already_comes_first(store: Any) -> None:
    run = store.start(line(), [""] * 6)
    first = store.ledger.claim(run, {"cpu": 1})
    second = store.ledger.claim(run, {"cpu": 1})
    store.ledger.settle(second, done(second).results, True)
    turned = store.ledger.turn([done(first)], [run], {"cpu": 2})
    assert sizes(turned.batches) == [("sand", [1, 2])]
    assert {r["state"] for n, r in store.rows().items() if n > 2} == {"ready"}


def test_a_parent_that_waits_for_its_children_is_not_leased_where_it_arrives(store: Any) -> None:
    run = store.start(line(), [""] * 2)
    made = (Row("part", "0", {"waits_for_me": True}),)
    pipeline = store.ledger.pipeline(run)
    store.ledger._pipelines[run] = Pipeline("plant", (*pipeline.stages, Stage(4, "polish", "Polish", "part", "inline")))
    m.StageRun.objects.create(run_id=run, number=4, name="polish", title="Polish", table="part")
    turned = store.ledger.turn([done(store.ledger.claim(run, {"cpu": 1}), makes=made)], [run], {"cpu": 9})
    assert [name for name, _ in sizes(turned.batches)] == ["polish", "polish"]
    assert {(r["stage"], r["state"], r["open_children"]) for r in store.rows().values()} == {("sand", "ready", 1)}


def test_a_lease_from_the_same_write_is_lost_like_any_other(store: Any) -> None:
    run = store.start(line(), [""] * 2)
    turned = store.ledger.turn([done(store.ledger.claim(run, {"cpu": 1}))], [run], {"cpu": 9})
    store.lose(turned.batches[0])
    assert {(r["state"], r["losses"], r["attempts"]) for r in store.rows().values()} == {("ready", 1, 0)}
    with pytest.raises(LeaseLost):
        store.ledger.settle(turned.batches[0], done(turned.batches[0]).results, True)
