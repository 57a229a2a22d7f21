"""The world of the in-memory ledger: its doors for processes and persons, and the invariants over what it holds."""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

from penstock.engine.clock import Clock
from penstock.engine.errors import IllegalMove
from penstock.engine.memory import MemoryLedger, MemoryStore
from penstock.engine.pipeline import Pipeline
from penstock.engine.states import ACTIVE, OPEN_RUN, ItemState, RunState
from tests.proof.processes import LEASE

VOLATILE = {
    "run", "made_by", "batch", "attempts", "deaths", "losses", "available_at", "revision", "id", "parent", "origin",
}  # fmt: skip
MAX_LOSSES = 10


class MemoryWorld:
    """A store, and who holds what of it."""

    ledger_class: Any = MemoryLedger
    errors: tuple[type[Exception], ...] = ()

    def __init__(self, clock: Clock) -> None:
        self.store, self.clock = MemoryStore(), clock
        self.run = ""
        self._gone: set[str] = set()

    # -- for processes --------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Nothing to do."""

    def start(self, pipeline: Pipeline, plans: tuple[str, ...]) -> str:
        """A run over one widget per plan, ids from 1."""
        self.run = "run-1"
        widgets = [("widget", {"plan": p, "id": n, "note": "", "number": 0}) for n, p in enumerate(plans, 1)]
        self.store.start(self.run, pipeline, widgets)
        self.store.ids = itertools.count(1000)
        return self.run

    def ledger(self, holder: str) -> Any:
        """A holder's view."""
        return self.ledger_class(self.store, self.clock, holder, LEASE)

    def recover(self, ledger: Any) -> object:
        """Free what dead holders held."""
        return ledger.free_expired(lambda holder: holder in self._gone)

    sweep = recover

    def died(self, holder: str) -> None:
        """Others can tell that it is gone, unless its machine went with it ("far")."""
        if not holder.startswith("far"):
            self._gone.add(holder)

    def owns(self, ledger: Any, batch: int) -> bool:
        """Whether the batch is open and this holder's."""
        lease = self.store.leases.get(batch)
        return lease is not None and lease.holder == ledger.holder

    def is_open(self, batch: int) -> bool:
        """Whether anybody holds the batch."""
        return batch in self.store.leases

    def status(self, run: str) -> str:
        """The run's state."""
        return str(self.store.runs[run].status)

    def snapshot(self) -> Any:
        """Rows and leases."""
        return copy.deepcopy(self.store.rows), {n: lease.holder for n, lease in self.store.leases.items()}

    def rows_of(self, table: str, ids: Sequence[int]) -> Any:
        """Some rows as they are."""
        return {n: dict(row) for n, row in self.store.rows[table].items() if n in ids}

    # -- for persons ----------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Ask for a pause."""
        one = self.store.runs[self.run]
        self._only(one.status == RunState.RUNNING)
        one.pause = True

    def resume(self) -> None:
        """Take a paused run up again, or take a pause back."""
        one = self.store.runs[self.run]
        if not (one.status == RunState.RUNNING and one.pause and not one.blocked):
            self._only(one.status == RunState.PAUSED)
        one.status, one.pause, one.reason, one.blocked = RunState.RUNNING, False, "", ""

    def cancel(self, *, abort: bool = False) -> None:
        """Ask for a cancel."""
        one = self.store.runs[self.run]
        self._only(RunState(one.status) in OPEN_RUN)
        one.cancel, one.abort, one.status = True, one.abort or abort, RunState.RUNNING

    def decide(self, item: int, verdict: str) -> None:
        """A person's word on a waiting widget."""
        row = self.store.rows["widget"].get(item)
        self._only(row is not None and row["state"] == "waiting" and row["batch"] is None)
        assert row is not None
        row["state"] = verdict

    def _only(self, allowed: bool) -> None:
        if not allowed:
            raise IllegalMove

    # -- the end --------------------------------------------------------------------------------------------

    def ends(self) -> list[tuple[Any, ...]]:
        """Every row without what may differ between equal runs; parts by their maker and number."""
        found = []
        for table, rows in self.store.rows.items():
            for row in rows.values():
                place = row["id"] if table == "widget" else row["origin"]
                kept = {k: v for k, v in row.items() if k not in VOLATILE and k != "ordinal"}
                found.append((table, place, row["run"] is None, *sorted(kept.items())))
        return sorted(found, key=repr)

    def violations(self) -> list[str]:
        """The oracle's questions, as far as they make sense in memory."""
        one, wrong = self.store.runs[self.run], [f"I9: batch {n} is still leased" for n in self.store.leases]
        waits: Counter[str] = Counter()
        for table, rows in self.store.rows.items():
            for row in rows.values():
                wrong += [f"{table} {row['id']} {text}" for text in self._row(one.pipeline, table, row)]
                waits[row["parent"]] += row["state"] in ACTIVE
            origins = Counter(row["origin"] for row in rows.values() if row.get("origin"))
            wrong += [f"I8: {n} rows of {origin}" for origin, n in origins.items() if n > 1]
        for table, rows in self.store.rows.items():
            for row in rows.values():
                if row["open_children"] != waits[f"{table}:{row['id']}"]:
                    wrong.append(f"I7: {table} {row['id']} waits for {row['open_children']} children")
        return wrong

    def _row(self, pipeline: Pipeline, table: str, row: dict[str, Any]) -> list[str]:
        stage = pipeline.stage(row["stage"])
        open_run = RunState(self.store.runs[self.run].status) in OPEN_RUN
        legal = row["state"] in {s.value for s in ItemState} and stage.takes == table
        at_end = row["state"] != "done" or pipeline.after(stage) is None
        gated = row["state"] not in ("waiting", "approved", "rejected") or stage.gate
        worn = row["deaths"] > stage.deaths or row["losses"] > MAX_LOSSES
        tired = row["state"] in ACTIVE and (row["deaths"] >= stage.deaths or row["losses"] >= MAX_LOSSES)
        checks = {
            "I7: is in no legal place": legal and at_end and gated,
            "I9: is leased by nobody or names a holder": row["state"] != "leased" and row["batch"] is None,
            "I11: is unfinished in a run that is over": open_run or row["state"] not in ACTIVE or row["run"] is None,
            "I12: outlived its limits": not worn and not tired,
            "I12: has more tries than there are": 0 <= row["attempts"] <= sum(stage.tries),
        }
        return [text for text, fine in checks.items() if not fine]
