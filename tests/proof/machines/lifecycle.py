"""The life of runs on SQLite: started, driven a little, paused, cancelled, retried, rolled back, crashed anywhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from penstock.engine import failpoint
from penstock.engine.errors import PenstockError
from penstock.engine.outcome import Done, Fail
from penstock.engine.port import Result
from penstock.ledger import control, rollback
from penstock.ledger import models as m
from tests.proof.diskworld import disk_world
from tests.proof.machines import oracle
from tests.proof.machines.crashes import CRASHES, spec
from tests.proof.machines.lifemodel import Model, No, Row
from tests.proof.plantlines import Outside, line
from tests.proof.virtualtime import LoopClock

Verb = Callable[[], Any]
Step = Callable[[Model], None]
WIDGETS = 3


class Lifecycle(RuleBasedStateMachine):
    """Every verb is asked of the ledger and of the model. After a crash the ledger is where the model was before the
    verb or where it is after it, and nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.clock = LoopClock(1000.0)
        self.world = self.stack.enter_context(disk_world(self.clock))
        self.world.start(line("plant", Outside()), ("",) * WIDGETS)
        self.model = Model({("widget", str(n)): Row("cut") for n in range(1, WIDGETS + 1)})
        self.model.start()
        self.batches: list[Any] = []
        self.born = 0
        self.ledger = self._process()

    def teardown(self) -> None:
        """A fresh process recovers; everything is in order, all the way down."""
        try:
            self._die()
            self.the_ledger_agrees()
            assert self.world.violations() == []
        finally:
            failpoint.disarm()
            self.stack.close()

    # -- verbs ----------------------------------------------------------------------------------------------

    @rule(crash=CRASHES)
    def start(self, crash: Any) -> None:
        """The next run."""
        self._do(lambda: control.start(self.world.site, self.clock, self.world.ids), Model.start, crash)

    @rule(crash=CRASHES)
    def pause(self, crash: Any) -> None:
        """Ask for a pause."""
        self._do(lambda: control.pause(self._run(), self.clock), Model.pause, crash)

    @rule(crash=CRASHES)
    def resume(self, crash: Any) -> None:
        """Take it up again."""
        self._do(lambda: control.resume(self._run(), self.clock), Model.resume, crash)

    @rule(crash=CRASHES, abort=st.booleans())
    def cancel(self, crash: Any, abort: bool) -> None:
        """Ask for the end."""
        self._do(lambda: control.cancel(self._run(), self.clock, abort=abort), Model.cancel, crash)

    @rule(crash=CRASHES)
    def block(self, crash: Any) -> None:
        """A stage says that the run cannot go on."""
        run = self._run().id
        self._do(lambda: self.ledger.block(run, "no blades", "no_blades"), Model.block, crash)

    @rule(crash=CRASHES)
    def retry(self, crash: Any) -> None:
        """What failed, once more."""
        self._do(lambda: control.retry(self._run(), self.clock, self.world.ids), Model.retry, crash)

    @rule(crash=CRASHES, which=st.integers(0, 5))
    def rollback(self, crash: Any, which: int) -> None:
        """Undo a run, not always the newest."""
        number = max(0, len(self.model.runs) - 1 - which % 2)
        run = self._runs()[number]
        undo = lambda model: model.rollback(number)  # noqa: E731  (it is handed on)
        self._do(lambda: rollback.rollback(run, self.clock.wall(), "ann"), undo, crash)

    @rule(crash=CRASHES)
    def rest(self, crash: Any) -> None:
        """A driver asks whether the run is over."""
        run = self._run().id
        self._do(lambda: self.ledger.rest(run), Model.rest, crash, Model.rest_half)

    # -- work -----------------------------------------------------------------------------------------------

    @rule(crash=CRASHES)
    def claim(self, crash: Any) -> None:
        """A driver takes a batch."""
        run, found = self._run().id, list[Any]()
        self._crashing(lambda: found.append(self.ledger.claim(run, {"cpu": 9})), crash)
        if self._died:
            self._die()
        elif found[0] is not None:
            self.batches.append(found[0])
            self.model.claim(self._keys(found[0]))

    @precondition(lambda self: self.batches)
    @rule(crash=CRASHES, failed=st.sampled_from((False, False, False, True)), which=st.integers(0, 9))
    def settle(self, crash: Any, failed: bool, which: int) -> None:
        """A batch comes back."""
        which %= len(self.batches)
        batch = self.batches[which]
        settled = lambda model: model.settle(which, failed)  # noqa: E731  (it is handed on)
        self._do(lambda: self.ledger.settle(batch, self._results(batch, failed), True), settled, crash)
        if not self._died:
            self.batches.pop(which)

    @rule(steps=st.integers(2, 9))
    def drive(self, steps: int) -> None:
        """A few batches, one after the other."""
        for _ in range(steps):
            self.claim(None)
            if not self.batches:
                break
            self.settle(None, False, 0)
        self.rest(None)

    @rule()
    def kill(self) -> None:
        """The process is gone, another one starts."""
        self._die()

    # -- what holds -----------------------------------------------------------------------------------------

    @invariant()
    def the_ledger_agrees(self) -> None:
        """Rows and runs are where the model says, and the oracle has nothing to say."""
        assert self._shown() == self.model.shown()
        assert oracle.quick(self.clock, oracle.OF_RUNS) == []

    def _do(self, verb: Verb, expected: Step, crash: Any, half: Step = lambda model: None) -> None:
        before, between, after = self.model, self.model.copied(), self.model.copied()
        half(between)
        try:
            expected(after)
        except No:
            after = before
            refused = True
        else:
            refused = False
        told = self._crashing(verb, crash)
        if self._died:
            self._settle_on([before, between, after])
            return
        assert isinstance(told, PenstockError) == refused, f"refused: {told!r}, expected: {refused}"
        self.model = after

    def _crashing(self, verb: Verb, crash: Any) -> Any:
        """Do it, perhaps with a death in the middle; answers a refusal."""
        self._died = False
        failpoint.arm(spec(crash, ("ledger.", "rollback.", "runlog.")))
        try:
            verb()
        except PenstockError as error:
            return error
        except failpoint.SimulatedCrash:
            self._died = True
        finally:
            failpoint.disarm()
        return None

    def _settle_on(self, models: list[Model]) -> None:
        """One of these is where the crash has left it, once it is recovered."""
        self._die()
        for model in models:
            model.lose()
        shown = self._shown()
        self.model = next((model for model in models if model.shown() == shown), models[0])

    def _die(self) -> None:
        """The process is gone with all it held; another one recovers."""
        self.world.alive.clear()
        self.batches.clear()
        self.ledger = self._process()
        self.model.lose()

    def _process(self) -> Any:
        """A new one; it recovers first."""
        self.born += 1
        ledger = self.world.ledger(f"near-{self.born}")
        self.world.recover(ledger)
        return ledger

    def _runs(self) -> list[m.Run]:
        return list(m.Run.objects.select_related("site").order_by("started_at", "id"))

    def _run(self) -> m.Run:
        return self._runs()[-1]

    def _keys(self, batch: Any) -> tuple[Any, ...]:
        return tuple((batch.stage.takes, str(item["origin"] or item["id"])) for item in batch.items)

    def _results(self, batch: Any, failed: bool) -> list[Result]:
        items = [dict(item) for item in batch.items]
        made: list[Any] = batch.stage.work(items) if batch.stage.per == "set" else [Done() for _ in items]
        whats = [Fail("bent", "bent") for _ in items] if failed else made
        return [Result(item["id"], what, item["attempt"]) for item, what in zip(items, whats, strict=True)]

    def _shown(self) -> Any:
        runs = self._runs()
        numbers = {run.id: n for n, run in enumerate(runs)}
        rows = {}
        for table, model in self.world._models.items():
            for row in model.objects.values():
                key = (table, str(row["origin"] or row["id"]))
                made_by = numbers.get(row["made_by"])
                rows[key] = (row["stage"], row["state"], numbers.get(row["run"]), made_by, row["open_children"])
        return rows, [_told(run) for run in runs]


def _told(run: m.Run) -> tuple[Any, ...]:
    """Its state, and what was asked of it while it is running."""
    asked = (run.pause_requested, run.cancel_requested, bool(run.blocked)) if run.status == "running" else ()
    return (run.status, run.rolled_back_at is not None, asked)
