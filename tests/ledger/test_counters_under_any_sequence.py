"""Any sequence of verbs, work, deaths and restarts leaves everything that is stored in order after every step."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.engine.errors import Died, PenstockError
from penstock.engine.outcome import Done, Fail, Fallback, Merge, Quarantine, Retry
from penstock.engine.port import Later, Result
from penstock.ledger import control, rollback, sweep
from penstock.ledger import models as m
from penstock.oracle import examine
from tests.conformance import plant

WHATS: dict[str, Any] = {
    "retry": Retry("again", after=0.0), "fallback": Fallback("other way"), "fail": Fail("bent", "bent"),
    "quarantine": Quarantine("explosive"), "died": Died("boom"), "later": Later(), "merge": Merge(1, "same"),
    "refresh": Merge(1, "same", "cut"),
}  # fmt: skip
SETTLES = st.tuples(st.just("settle"), st.lists(st.sampled_from(["done"] * 12 + sorted(WHATS)), min_size=6, max_size=6))
VERBS = st.sampled_from(
    ["start", "work", "work", "work", "claim", "lose", "pause", "resume", "cancel", "rest", "rest", "retry", "rollback",
     "recover", "block"]
)  # fmt: skip
STEPS = st.lists(st.one_of(SETTLES, SETTLES, VERBS.map(lambda verb: (verb, []))), min_size=6, max_size=14)


class Actor:
    """Does one step at a time; what the rules refuse is refused."""

    def __init__(self, store: Any) -> None:
        self.store, self.held = store, list[Any]()
        self.run = store.start(plant.pipeline(), [""] * 4)

    def do(self, verb: str, choices: list[str]) -> None:
        try:
            getattr(self, verb)(*([choices] if choices else []))
        except PenstockError:
            return  # refused: nothing may have changed

    def one(self) -> m.Run:
        return control.find(self.run)

    def start(self) -> None:
        self.run = control.start(self.store.site, self.store.clock, self.store.ids).id

    def claim(self) -> None:
        batch = self.store.ledger.claim(self.run, {"cpu": 9})
        self.held += [batch] if batch else []

    def settle(self, choices: list[str]) -> None:
        self.claim()
        if self.held:
            batch = self.held.pop(0)
            whats = self._whats(batch, choices)
            attempts = [item["attempt"] for item in batch.items]
            results = [Result(i["id"], w, a) for i, w, a in zip(batch.items, whats, attempts, strict=True)]
            self.store.ledger.settle(batch, results, True)

    def _whats(self, batch: Any, choices: list[str]) -> list[Any]:
        items = [dict(item) for item in batch.items]
        done = batch.stage.work(items) if batch.stage.per == "set" else [Done({"note": "x"}) for _ in items]
        picked = [choices[n % len(choices)] for n in range(len(items))]
        return [self._what(batch, i, one, word) for i, one, word in zip(items, done, picked, strict=True)]

    def _what(self, batch: Any, item: Any, done: Any, word: str) -> Any:
        mergeable = batch.stage.takes == "widget" and item["id"] != 1
        return done if word == "done" or (word in ("merge", "refresh") and not mergeable) else WHATS[word]

    def work(self) -> None:
        self.settle(["done"])

    def lose(self) -> None:
        if self.held:
            self.store.lose(self.held.pop())

    def recover(self) -> None:
        m.Batch.objects.filter(open=True).update(boot="another")
        self.held.clear()
        sweep.recover(self.store.ledger)

    def block(self) -> None:
        self.store.ledger.block(self.run, "no blades", "no_blades")

    def rest(self) -> None:
        self.store.ledger.rest(self.run)

    def pause(self) -> None:
        control.pause(self.one(), self.store.clock)

    def resume(self) -> None:
        control.resume(self.one(), self.store.clock)

    def cancel(self) -> None:
        control.cancel(self.one(), self.store.clock)

    def retry(self) -> None:
        self.run = control.retry(self.one(), self.store.clock, self.store.ids).id

    def rollback(self) -> None:
        rollback.rollback(self.one(), self.store.clock.wall())


def empty() -> None:
    """As at the start of a test."""
    from django.apps import apps
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_keys=OFF")
        for model in apps.get_models():
            cursor.execute(f'DELETE FROM "{model._meta.db_table}"')
        cursor.execute("PRAGMA foreign_keys=ON")


@pytest.fixture
def anew(ledger_home: Any, store: Any) -> Any:
    """A function that makes an empty store."""
    from tests.conformance.stores import OnDisk

    def make() -> Any:
        empty()
        return OnDisk()

    return make


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_everything_stored_is_in_order_after_every_step(anew: Any, steps: list[tuple[str, list[str]]]) -> None:
    actor = Actor(anew())
    for number, (verb, choices) in enumerate(steps):
        actor.do(verb, choices)
        assert examine(deep=True) == [], (number, verb, choices)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_after_any_sequence_a_cancel_and_a_rollback_leave_what_was_there_before(anew: Any, steps: Any) -> None:
    store = anew()
    actor = Actor(store)
    for verb, choices in steps:
        if verb not in ("start", "retry", "rollback"):
            actor.do(verb, choices)
    for batch in actor.held:
        store.lose(batch)
    actor.held.clear()
    actor.cancel() if actor.one().open else None
    store.ledger.rest(actor.run)
    rollback.rollback(actor.one(), store.clock.wall())
    rows = [{k: row[k] for k in ("stage", "state", "run", "note", "attempts")} for row in store.rows().values()]
    assert rows == [{"stage": "cut", "state": "ready", "run": None, "note": "", "attempts": 0}] * 4
    assert store.rows("part") == {}
    assert examine(deep=True) == []
