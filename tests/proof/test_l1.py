from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pytest

from penstock.engine.failpoint import SimulatedCrash
from penstock.engine.memory import MemoryLedger, _Lease
from penstock.engine.port import Batch
from tests.proof import fates
from tests.proof.memoryworld import MemoryWorld
from tests.proof.virtualtime import LoopClock


def drawn(kind: str, count: int) -> list[Any]:
    return [fates.replay(f"{kind}:7.{number}") for number in range(count)]


def test_drawn_fates_over_the_in_memory_ledger_break_nothing() -> None:
    assert [(c.seed, c.violations) for c in drawn("memory", 60) if c.violations] == []


def test_drawn_fates_over_sqlite_break_nothing() -> None:
    assert [(c.seed, c.violations) for c in drawn("disk", 2) if c.violations] == []


def test_the_first_cases_cover_points_calls_and_pairs() -> None:
    found = list(islice(fates.cases(1), 5))
    assert {c.seed.partition(":")[0] for c in found} >= {"point", "call", "pair", "ends"}
    assert [(c.seed, c.violations) for c in found if c.violations] == []


def test_a_seed_replays_its_case() -> None:
    for seed in ("memory:7.1", "memory:7.4", "pair:rescue-settle:0.1.2"):
        assert fates.replay(seed) == fates.replay(seed)


class Careless(MemoryLedger):
    """Takes a settle from whoever brings it: no epoch."""

    def settle(self, batch: Batch, results: Any, last: bool) -> None:
        self.store.leases[batch.id] = _Lease(batch, self.holder, self.clock.monotonic() + self.lease)
        super().settle(batch, results, last)


class Torn(MemoryLedger):
    """Writes the rows and then what joins wait for, with a moment between in which its process may die."""

    def _write(self, run: str, plan: Any) -> None:
        moved, plan.moved = plan.moved, []
        super()._write(run, plan)
        if self.holder.startswith(("near", "far")) and plan.stage.name == "polish":
            raise SimulatedCrash("between two writes")
        plan.moved, plan.changes, plan.makes, plan.merges, plan.refs = moved, [], [], [], []
        super()._write(run, plan)


class Forgetful(MemoryLedger):
    """Charges tries to the items of a holder that was lost."""

    def free_expired(self, dead: Any = lambda holder: False) -> int:
        for lease in self.store.leases.values():
            for row in self.store.rows[lease.batch.stage.takes].values():
                if row["batch"] == lease.batch.id and (lease.until < self.clock.monotonic() or dead(lease.holder)):
                    row["attempts"] += 2
        return super().free_expired(dead)


@pytest.mark.parametrize("ledger", [Careless, Torn, Forgetful])
def test_a_ledger_that_is_broken_on_purpose_is_caught_within_200_cases(
    monkeypatch: pytest.MonkeyPatch, ledger: type[MemoryLedger]
) -> None:
    @contextmanager
    def broken(clock: LoopClock) -> Iterator[MemoryWorld]:
        world = MemoryWorld(clock)
        world.ledger_class = ledger
        yield world

    monkeypatch.setitem(fates.WORLDS, "memory", broken)
    told = (text for n in range(200) for text in fates.replay(f"memory:7.{n}").violations)
    assert next((text for text in told if not text.startswith("undisturbed")), "") != ""
