"""The same doors to both ledgers: start a run over widgets, look at what became of them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from typing import Any

from django.db import connection, models

from penstock import engine, ledger
from penstock.engine.clock import SystemClock
from penstock.engine.ids import ProcessIdentity, SequenceIds
from penstock.engine.memory import MemoryLedger, MemoryStore
from penstock.engine.pipeline import Pipeline


class InMemory:
    """The twin."""

    def __init__(self) -> None:
        self.store, self.clock = MemoryStore(), SystemClock()
        self.ledger: Any = MemoryLedger(self.store, self.clock)
        self._runs = itertools.count(1)

    def another(self, holder: str) -> Any:
        """A second holder's view."""
        return MemoryLedger(self.store, self.clock, holder)

    def start(self, pipeline: Pipeline, plans: Sequence[str]) -> str:
        """A run over one widget per plan, ids from 1."""
        run = f"run-{next(self._runs)}"
        self.store.start(run, pipeline, [("widget", {"plan": p, "id": n, "note": ""}) for n, p in enumerate(plans, 1)])
        self.store.ids = itertools.count(1000)
        return run

    def rows(self, table: str = "widget") -> dict[int, dict[str, Any]]:
        """Rows by id."""
        return self.store.rows.get(table, {})

    def status(self, run: str) -> tuple[str, str]:
        """(status, reason)."""
        one = self.store.runs[run]
        return str(one.status), one.reason

    def ask(self, run: str, **asked: bool) -> None:
        """pause=, cancel=, abort="""
        for name, value in asked.items():
            setattr(self.store.runs[run], name, value)

    def resume(self, run: str) -> None:
        """Take a paused run up again."""
        one = self.store.runs[run]
        one.status, one.pause, one.reason = "running", False, ""

    def lose(self, batch: Any) -> None:
        """The holder of a batch is declared dead."""
        self.ledger.free_expired(lambda _holder: True)


def _models() -> tuple[Any, Any]:
    from penstock.ledger.workitem import WorkItem

    class Widget(WorkItem):
        plan = models.CharField(max_length=40, default="")
        note = models.CharField(max_length=40, default="")
        number = models.IntegerField(default=0)

        class Meta(WorkItem.Meta):
            app_label = "plant"

    class Part(WorkItem):
        note = models.CharField(max_length=40, default="")

        class Meta(WorkItem.Meta):
            app_label = "plant"

    return Widget, Part


_made: tuple[Any, Any] | None = None


def tables() -> tuple[Any, Any]:
    """The test models, made once, with their tables."""
    global _made
    if _made is None:
        _made = _models()
        with connection.schema_editor() as editor:
            for model in _made:
                editor.create_model(model)
    return _made


class OnDisk:
    """DjangoLedger on SQLite."""

    def __init__(self) -> None:
        from penstock.accounts.models import create_site
        from penstock.ledger.store import DjangoLedger

        widget, part = tables()
        ledger.TABLES.update(widget=widget, part=part)
        for model in (widget, part):
            model.objects.all().delete()
        self.clock, self.ids = SystemClock(), SequenceIds()
        self.ledger: Any = DjangoLedger(self.clock, ProcessIdentity.me())
        self.site = create_site("plant", "plant")
        self._widget, self._part = widget, part

    def another(self, holder: str) -> Any:
        """A second holder's view (another pid of this host)."""
        from penstock.ledger.store import DjangoLedger

        me = ProcessIdentity.me()
        other = ProcessIdentity(me.host, me.boot, os.getppid(), me.started)
        return DjangoLedger(self.clock, other)

    def start(self, pipeline: Pipeline, plans: Sequence[str]) -> str:
        """A run over one widget per plan, ids from 1."""
        from penstock.ledger import control
        from penstock.ledger.counters import Tally
        from penstock.ledger.tx import write

        engine.PIPELINES["plant"] = lambda run: pipeline
        for number, plan in enumerate(plans, 1):
            self._widget.objects.create(site=self.site, stage="cut", plan=plan, id=number, ordinal=number)
        with write("test") as cursor:
            tally = Tally()
            tally.add(None, "widget", ("cut", "ready"), len(plans))
            tally.write(cursor, self.site.pk)
        return control.start(self.site, self.clock, self.ids).id

    def rows(self, table: str = "widget") -> dict[int, dict[str, Any]]:
        """Rows by id."""
        model = self._widget if table == "widget" else self._part
        return {row["id"]: row for row in model.objects.values()}

    def status(self, run: str) -> tuple[str, str]:
        """(status, reason)."""
        from penstock.ledger.models import Run

        one = Run.objects.get(id=run)
        return one.status, one.error_message

    def ask(self, run: str, **asked: bool) -> None:
        """pause=, cancel=, abort="""
        from penstock.ledger.models import Run

        Run.objects.filter(id=run).update(**{f"{name}_requested": value for name, value in asked.items()})

    def resume(self, run: str) -> None:
        """Take a paused run up again."""
        from penstock.ledger import control

        control.resume(control.find(run), self.clock)

    def lose(self, batch: Any) -> None:
        """The holder of a batch is declared dead."""
        from penstock.ledger import models as m
        from penstock.ledger import sweep

        sweep.free(self.ledger, m.Batch.objects.get(id=batch.id))
