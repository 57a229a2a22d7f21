from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from penstock.engine.errors import PenstockError
from penstock.engine.settle import Change
from penstock.ledger import rows
from tests.conformance import plant


@pytest.fixture
def cursor(store: Any) -> Any:
    """A cursor, and five widgets in a run."""
    store.run = store.start(plant.pipeline(), [""] * 5)
    with connection.cursor() as one:
        yield one


def ids(found: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in found]


def test_what_was_read_by_hand_is_what_the_orm_reads(store: Any, cursor: Any) -> None:
    store._widget.objects.filter(id=1).update(edited=["note"], error="bent")
    assert rows.read("widget", [1, 2]) == list(store._widget.objects.filter(id__lt=3).values())


def test_ready_rows_come_in_order_without_those_that_wait(store: Any, cursor: Any) -> None:
    store._widget.objects.filter(id=1).update(ordinal=9)
    store._widget.objects.filter(id=2).update(open_children=1)
    store._widget.objects.filter(id=3).update(available_at=50.0)
    assert ids(rows.ready(cursor, "widget", store.run, "cut", 49.0, 9)) == [4, 5, 1]
    assert ids(rows.ready(cursor, "widget", store.run, "cut", 50.0, 2, columns="work")) == [3, 4]
    assert rows.soonest(cursor, "widget", store.run) == 0.0
    assert rows.ready_in_order(cursor, "widget", store.run, "join", 50.0, 9) == []


def test_a_lease_charges_an_attempt_once(store: Any, cursor: Any) -> None:
    assert rows.lease(cursor, "widget", [(7, [1, 2])]) == 2
    assert rows.lease(cursor, "widget", [(8, [1, 2]), (9, [3])]) == 1
    found = {n: (row["batch"], row["attempts"]) for n, row in store.rows().items()}
    assert found == {1: (7, 1), 2: (7, 1), 3: (9, 1), 4: (None, 0), 5: (None, 0)}


def test_a_leased_write_reaches_only_the_rows_that_the_batch_still_holds(store: Any, cursor: Any) -> None:
    rows.lease(cursor, "widget", [(7, [1, 2]), (8, [3, 5])])
    alike = {"number": 9}
    changes = [Change(1, {"note": "a"}, alike), Change(2, {"note": "b"}, {}), Change(3, {"note": "c"}, alike)]
    changes += [Change(4, {}, alike), Change(5, {}, alike)]
    assert rows.update_leased(cursor, "widget", dict.fromkeys([1, 2, 3, 4], 7) | {5: 8}, changes) == 3
    found = [(row["note"], row["number"]) for row in store.rows().values()]
    assert found == [("a", 9), ("b", 0), ("", 0), ("", 0), ("", 9)]


def test_a_guarded_write_says_how_many_it_reached(store: Any, cursor: Any) -> None:
    assert rows.update_where(cursor, "widget", [1, 2, 3], {"note": "x"}, "ordinal>1") == 2
    assert rows.update_where(cursor, "widget", [], {"note": "x"}) == 0


def test_more_rows_than_one_statement_takes_are_all_reached(store: Any, cursor: Any) -> None:
    many = range(100, 100 + 3 * rows.CHUNK)
    store._widget.objects.bulk_create(store._widget(id=n, site=store.site, stage="cut") for n in many)
    assert [row["id"] for row in rows.read("widget", list(many))] == list(many)
    assert rows.update_where(cursor, "widget", list(many), {"note": "x"}) == len(many)
    assert rows.delete(cursor, "widget", list(many)) == len(many)
    assert len(store.rows()) == 5


def test_rows_are_read_in_the_asked_order_and_what_is_gone_is_left_out(store: Any, cursor: Any) -> None:
    assert [row["id"] for row in rows.read("widget", [3, 99, 1])] == [3, 1]


def test_a_column_that_the_model_lacks_is_refused(store: Any) -> None:
    with pytest.raises(PenstockError, match="no column 'note; DROP TABLE'"):
        rows.column(store._widget, "note; DROP TABLE")


def test_children_are_recounted_over_all_tables(store: Any, cursor: Any) -> None:
    for n, state in enumerate(("ready", "leased", "done", "failed", "waiting")):
        store._part.objects.create(site=store.site, stage="polish", state=state, parent="widget:1", origin=f"p{n}")
    rows.recount_children(cursor, ["widget:1", "widget:2", ""])
    assert [row["open_children"] for row in store.rows().values()] == [2, 0, 0, 0, 0]
    rows.lower_children(cursor, "widget:1", 1)
    rows.lower_children(cursor, "widget:2", 1)
    assert [row["open_children"] for row in store.rows().values()] == [1, 0, 0, 0, 0]


def test_a_recount_of_states_covers_the_run_only(store: Any, cursor: Any) -> None:
    rows.lease(cursor, "widget", [(7, [1, 2])])
    store._widget.objects.create(site=store.site, stage="cut", id=50)
    assert rows.states(cursor, "widget", store.run) == {("cut", "leased"): 2, ("cut", "ready"): 3}
