"""The world of the durable ledger: DjangoLedger on SQLite in a throw-away home, its doors for processes and persons."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.db import OperationalError

from penstock import engine, ledger
from penstock.engine import ids
from penstock.engine.ids import ProcessIdentity, SequenceIds
from penstock.engine.pipeline import Pipeline
from penstock.oracle import examine
from penstock.review import GATES, gate
from tests.conformance import stores
from tests.proof import throwaway
from tests.proof.memoryworld import VOLATILE
from tests.proof.processes import LEASE
from tests.proof.virtualtime import LoopClock

FIRST_PID = 10_000_000  # above every real one
KEPT_OFF = "synchronous is OFF"  # said of the throw-away database, and true


class DiskWorld:
    """A site, and processes that are alive as long as this says so."""

    errors = (OperationalError,)

    def __init__(self, clock: LoopClock) -> None:
        from penstock.accounts.models import create_site

        self.clock, self.ids = clock, SequenceIds()
        self.site = create_site("plant", "plant")
        self.alive: set[int] = set()
        self.run = ""
        self._pids = iter(range(FIRST_PID, FIRST_PID + 10_000))
        self._me = ProcessIdentity.me()
        self._identity: dict[str, ProcessIdentity] = {}
        self._models = dict(zip(("widget", "part"), stores.tables(), strict=True))

    def started(self, pid: int) -> int | None:
        """Stands in for the system's table of processes."""
        return (1 if pid in self.alive else None) if pid >= FIRST_PID else self._me.started

    # -- for processes --------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Django keeps connections apart by context: the event loop's is to have ours too."""
        throwaway.use(throwaway.home().wrapper)

    def start(self, pipeline: Pipeline, plans: tuple[str, ...]) -> str:
        """A run over one widget per plan, ids from 1."""
        from penstock.ledger import control
        from penstock.ledger.counters import Tally
        from penstock.ledger.tx import write

        engine.PIPELINES["plant"] = lambda run: pipeline
        widget = self._models["widget"]
        with write("test") as cursor:
            widget.objects.bulk_create(
                widget(site=self.site, stage="cut", plan=plan, id=n, ordinal=n) for n, plan in enumerate(plans, 1)
            )
            tally = Tally()
            tally.add(None, "widget", ("cut", "ready"), len(plans))
            tally.write(cursor, self.site.pk)
            self._note_rows(len(plans))
        self.run = str(control.start(self.site, self.clock, self.ids).id)
        return self.run

    def _note_rows(self, count: int) -> None:
        """As intake tells of its rows."""
        from penstock.ledger import events

        moves = [("widget", n, "", "cut/ready") for n in range(1, count + 1)]
        events.record(self.clock.wall(), "added", site=self.site.pk, moves=moves)

    def ledger(self, holder: str) -> Any:
        """A process of its own, on this machine or on a far one."""
        from penstock.ledger.store import DjangoLedger

        pid = next(self._pids)
        host = f"far-{pid}" if holder.startswith("far") else self._me.host
        one = ProcessIdentity(host, self._me.boot, pid, 1)
        self.alive.add(one.pid)
        self._identity[holder] = one
        return DjangoLedger(self.clock, one, LEASE)

    def recover(self, ledger: Any) -> object:
        """What a start does first."""
        from penstock.ledger import sweep

        return sweep.recover(ledger)

    def sweep(self, ledger: Any) -> object:
        """What a driver does now and then."""
        from penstock.ledger import sweep

        return sweep.free_expired(ledger)

    def died(self, holder: str) -> None:
        """The system knows that it is gone."""
        self.alive.discard(self._identity[holder].pid)

    def owns(self, ledger: Any, batch: int) -> bool:
        """Whether the batch is open and this holder's."""
        from penstock.ledger.models import Batch

        return bool(Batch.objects.filter(id=batch, open=True, holder=ledger.me.to_text()).exists())

    def is_open(self, batch: int) -> bool:
        """Whether anybody holds the batch."""
        from penstock.ledger.models import Batch

        return bool(Batch.objects.filter(id=batch, open=True).exists())

    def status(self, run: str) -> str:
        """The run's state."""
        from penstock.ledger.models import Run

        return str(Run.objects.values_list("status", flat=True).get(id=run))

    def snapshot(self) -> Any:
        """Rows, batches, counters and the number of events."""
        from penstock.ledger import models as m

        models = (*self._models.values(), m.Batch, m.StageRun, m.SiteCounter, m.Artefact, m.Effect)
        return [list(model.objects.order_by("id").values_list()) for model in models], m.Event.objects.count()

    def rows_of(self, table: str, ids: Sequence[int]) -> Any:
        """Some rows as they are."""
        return list(self._models[table].objects.filter(id__in=ids).order_by("id").values_list())

    # -- for persons ----------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Ask for a pause."""
        from penstock.ledger import control

        control.pause(control.find(self.run), self.clock, "ann")

    def resume(self) -> None:
        """Take a paused run up again, or take a pause back."""
        from penstock.ledger import control

        control.resume(control.find(self.run), self.clock, "ann")

    def cancel(self, *, abort: bool = False) -> None:
        """Ask for a cancel."""
        from penstock.ledger import control

        control.cancel(control.find(self.run), self.clock, abort=abort, who="ann")

    def decide(self, item: int, verdict: str) -> None:
        """A person's word on a waiting widget."""
        at = self.clock.wall()
        if verdict == "approved":
            gate.approve("widget", item, who="ann", at=at)
        else:
            gate.reject("widget", item, who="ann", at=at, reason="no")

    def error(self, what: str) -> Exception:
        """What a failpoint raises."""
        return OSError("simulated") if what == "error:OSError" else OperationalError("disk I/O error (simulated)")

    # -- the end --------------------------------------------------------------------------------------------

    def ends(self) -> list[tuple[Any, ...]]:
        """Every row without what may differ between equal runs, as the in-memory world tells it."""
        found = []
        for table, model in self._models.items():
            for row in model.objects.values():
                place = row["id"] if table == "widget" else row["origin"]
                hidden = VOLATILE | {"ordinal", "site_id", "edited"}
                kept = {k: v for k, v in row.items() if k not in hidden}
                found.append((table, place, row["run"] is None, *sorted(kept.items())))
        return sorted(found, key=repr)

    def violations(self) -> list[str]:
        """The oracle's word, except on what this level does on purpose."""
        found = examine(deep=True, clock=self.clock)
        return [f"{v.invariant}: {v.subject}: {v.detail}" for v in found if KEPT_OFF not in v.detail]


@contextmanager
def disk_world(clock: LoopClock) -> Iterator[DiskWorld]:
    """A world in an empty home, for the length of a case."""
    one_thread = {"DJANGO_ALLOW_ASYNC_UNSAFE": "1"}  # the virtual loop has no other
    with throwaway.home().used(), mock.patch.dict(ledger.TABLES), mock.patch.dict(engine.PIPELINES):
        ledger.TABLES.update(zip(("widget", "part"), stores.tables(), strict=True))
        with mock.patch.dict(GATES, {"widget": _gate()}), mock.patch.dict(os.environ, one_thread):
            world = DiskWorld(clock)
            with mock.patch.object(ids, "_started", world.started):
                yield world


def _gate() -> gate.Gate:
    """Widgets are decided on as they are seen."""
    return gate.Gate(
        table="widget", stage="look", title=lambda row: str(row["id"]), fields=("note",),
        clean=lambda site, row, fields: dict(fields), seen=lambda row: {"note": row["note"], "number": row["number"]},
        ready=lambda row: "", words=lambda table, stage, state: {},
    )  # fmt: skip
