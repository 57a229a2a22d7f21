from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.errors import IllegalMove, NotFound, Refused
from penstock.engine.outcome import Done
from penstock.engine.port import Later, Result
from penstock.ledger import control
from penstock.ledger import models as m
from penstock.oracle import examine
from tests.conformance import plant


def start(store: Any, plans: list[str]) -> m.Run:
    return control.find(store.start(plant.pipeline(), plans))


def finished(store: Any, plans: list[str]) -> m.Run:
    run = start(store, plans)
    plant.drive(store.ledger, run.id)
    return control.find(run.id)


def test_a_second_run_of_a_site_is_refused_and_leaves_nothing_behind(store: Any) -> None:
    run = start(store, ["", ""])
    with pytest.raises(Refused, match=run.id) as refused:
        control.start(store.site, store.clock, store.ids)
    assert refused.value.code == "already_running"
    assert m.Run.objects.count() == 1
    assert {row["run"] for row in store.rows().values()} == {run.id}


def test_the_index_refuses_a_second_run_that_slipped_past_the_look(store: Any, monkeypatch: Any) -> None:
    run = start(store, [""])
    looks = iter([None])
    real = control._refuse_second
    monkeypatch.setattr(control, "_refuse_second", lambda *a: next(looks) if looks.__length_hint__() else real(*a))
    with pytest.raises(Refused, match=run.id):
        control.start(store.site, store.clock, store.ids)
    assert examine(deep=True) == []


def test_a_run_of_another_kind_may_go_beside_it(store: Any) -> None:
    start(store, [""])
    other = control.start(store.site, store.clock, store.ids, kind="other", scope={"widget": []})
    assert other.open


def test_a_run_takes_the_backlog_and_later_arrivals_wait(store: Any) -> None:
    run = start(store, ["", ""])
    store._widget.objects.create(site=store.site, stage="cut", id=9)
    assert {n: row["run"] for n, row in store.rows().items()} == {1: run.id, 2: run.id, 9: None}


def test_a_run_with_a_scope_takes_only_those_rows(store: Any) -> None:
    run = start(store, [""] * 3)
    control.cancel(run, store.clock)
    store.ledger.rest(run.id)
    second = control.start(store.site, store.clock, store.ids, scope={"widget": [2]})
    assert {n: row["run"] for n, row in store.rows().items()} == {1: None, 2: second.id, 3: None}
    assert examine(deep=True) == []


def test_a_run_keeps_the_settings_that_it_started_with(store: Any) -> None:
    run = start(store, [""])
    store.site.settings = {"other": 1}
    store.site.save()
    assert control.find(run.id).plan == {}


def test_pause_waits_for_what_is_under_way_then_holds_and_resume_goes_on(store: Any) -> None:
    run = start(store, [""] * 4)
    batch = store.ledger.claim(run.id, {"cpu": 1})
    run = control.pause(run, store.clock, "ann")
    assert not store.ledger.rest(run.id).finished
    store.ledger.settle(batch, [Result(i["id"], Later(), i["attempt"]) for i in batch.items], True)
    assert store.ledger.rest(run.id).finished
    run = control.find(run.id)
    assert (run.status, run.active_key is not None) == ("paused", True)
    assert examine(deep=True) == []
    control.resume(run, store.clock, "ann")
    plant.drive(store.ledger, run.id)
    assert {row["state"] for row in store.rows().values()} == {"waiting"}


def test_a_pause_that_does_not_hold_yet_can_be_taken_back(store: Any) -> None:
    run = control.pause(start(store, [""]), store.clock)
    run = control.resume(run, store.clock)
    assert not run.pause_requested
    assert store.ledger.claim(run.id, {"cpu": 1})


@pytest.mark.parametrize("verb", [control.pause, control.resume, control.cancel])
def test_a_run_that_is_over_refuses_every_verb(store: Any, verb: Any) -> None:
    run = finished(store, [""])
    with pytest.raises(IllegalMove, match="completed"):
        verb(run, store.clock)


def test_a_verb_on_a_run_that_changed_meanwhile_is_refused(store: Any) -> None:
    run = start(store, [""])
    m.Run.objects.update(status="paused")
    with pytest.raises(IllegalMove, match="changed meanwhile"):
        control.cancel(run, store.clock)


def test_a_paused_run_can_be_cancelled_and_its_rows_go_back_to_the_backlog(store: Any) -> None:
    run = control.pause(start(store, [""] * 3), store.clock)
    store.ledger.rest(run.id)
    control.cancel(control.find(run.id), store.clock, abort=True, who="ann")
    assert store.ledger.rest(run.id).finished
    run = control.find(run.id)
    assert (run.status, run.active_key) == ("cancelled", None)
    assert {(row["state"], row["run"]) for row in store.rows().values()} == {("ready", None)}
    assert examine(deep=True) == []


def test_nothing_is_claimed_after_a_cancel(store: Any) -> None:
    run = start(store, [""] * 3)
    control.cancel(run, store.clock)
    assert store.ledger.claim(run.id, {"cpu": 9}) is None
    assert store.ledger.requests(run.id).stop


def test_cancelled_rows_go_on_where_they_were_in_the_next_run(store: Any) -> None:
    run = start(store, ["", ""])
    batch = store.ledger.claim(run.id, {"cpu": 1})
    store.ledger.settle(batch, [Result(1, Done({"note": "cut once"})), Result(2, Later())], True)
    control.cancel(run, store.clock)
    store.ledger.rest(run.id)
    second = control.start(store.site, store.clock, store.ids)
    assert [row["stage"] for row in store.rows().values()] == ["number", "cut"]
    plant.drive(store.ledger, second.id)
    assert {row["state"] for row in store.rows().values()} == {"waiting"}
    assert store.rows()[1]["note"] == "whole"
    assert examine(deep=True) == []


def test_retry_takes_the_broken_rows_into_a_new_run_with_their_counts_fresh(store: Any) -> None:
    run = finished(store, ["item", "", "died", "quarantine"])
    again = control.retry(run, store.clock, store.ids, who="ann")
    assert again.retry_of == run.id
    rows = store.rows()
    assert {n for n, row in rows.items() if row["run"] == again.id} == {1, 3, 4}
    assert all(rows[n]["attempts"] == rows[n]["deaths"] == 0 and not rows[n]["error"] for n in (1, 3, 4))
    assert examine(deep=True) == []


def test_retry_from_a_stage_sends_back_what_came_further_and_no_other(store: Any) -> None:
    run = finished(store, ["item", ""])
    store._widget.objects.filter(id=2).update(state="failed", stage="join")
    m.StageRun.objects.filter(name="look").update(waiting=0)
    m.StageRun.objects.filter(name="join").update(failed=1)
    m.SiteCounter.objects.filter(stage="look", table="widget").update(n=0)
    m.SiteCounter.objects.create(site=store.site, table="widget", stage="join", state="failed", n=1)
    control.retry(run, store.clock, store.ids, stage=2)
    assert {n: row["stage"] for n, row in store.rows().items()} == {1: "cut", 2: "number"}


def test_retry_from_a_stage_of_one_table_leaves_broken_rows_of_another_at_theirs(store: Any) -> None:
    run = finished(store, ["item", ""])
    store._part.objects.update(state="failed")
    control.retry(run, store.clock, store.ids, stage=3)
    assert {row["stage"] for row in store.rows("part").values()} == {"polish"}
    assert store.rows()[1]["stage"] == "cut"


def test_retry_of_a_child_makes_its_parent_wait_again(store: Any) -> None:
    run = start(store, [""])
    while (batch := store.ledger.claim(run.id, {"cpu": 9})).stage.name != "polish":
        whats = batch.stage.work(list(batch.items)) if batch.stage.per == "set" else [Done() for _ in batch.items]
        store.ledger.settle(batch, [Result(i["id"], w) for i, w in zip(batch.items, whats, strict=True)], True)
    from penstock.engine.outcome import Fail

    store.ledger.settle(batch, [Result(i["id"], Fail("dull", "dull")) for i in batch.items], True)
    plant.drive(store.ledger, run.id)
    again = control.retry(control.find(run.id), store.clock, store.ids)
    assert store.rows()[1]["open_children"] == 2
    assert examine(deep=True) == []
    plant.drive(store.ledger, again.id)
    assert store.rows()[1]["open_children"] == 0
    assert examine(deep=True) == []


def test_retry_without_anything_broken_or_with_a_stage_that_is_not_there_is_refused(store: Any) -> None:
    run = finished(store, [""])
    with pytest.raises(Refused, match="no failed"):
        control.retry(run, store.clock, store.ids)
    store._widget.objects.update(state="failed")
    with pytest.raises(NotFound, match="no stage 77"):
        control.retry(run, store.clock, store.ids, stage=77)
    assert {row["state"] for row in store.rows().values()} == {"failed"}


def test_retry_of_an_open_run_or_beside_one_is_refused_and_changes_nothing(store: Any) -> None:
    run = finished(store, ["item"])
    other = start_more(store)
    with pytest.raises(Refused, match=other.id):
        control.retry(run, store.clock, store.ids)
    with pytest.raises(Refused, match="let it end"):
        control.retry(other, store.clock, store.ids)
    assert store.rows()[1]["state"] == "failed"
    assert examine(deep=True) == []


def start_more(store: Any) -> m.Run:
    return control.start(store.site, store.clock, store.ids)


def test_an_unknown_run_is_not_found(store: Any) -> None:
    with pytest.raises(NotFound, match="penstock history"):
        control.find("nowhere")
