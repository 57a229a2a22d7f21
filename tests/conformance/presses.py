"""The newsroom over both ledgers: start, step, lose a process, look. Work is done on the spot, one step at a time."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, models

from penstock import engine, ledger
from penstock.engine.clock import VirtualClock
from penstock.engine.errors import Died
from penstock.engine.failpoint import SimulatedCrash, armed
from penstock.engine.ids import ProcessIdentity, SequenceIds
from penstock.engine.lanes import Lanes
from penstock.engine.memory import MemoryLedger, MemoryStore
from penstock.engine.port import Batch, Result
from penstock.engine.states import ItemState
from penstock.engine.verdict import verdict
from tests.conformance.newsroom import MAKER, TABLES, World

FREE = {"cpu": 9}
KEPT = ("name", "place", "note", "word", "words", "stage", "state", "error_code", "open_children")
STEPS = 2000


class Press:
    """What both ledgers share."""

    ledger: Any

    def __init__(self, **setup: Any) -> None:
        self.clock = VirtualClock(1000.0)
        self.world = World(self.read, **setup)
        self.claimed: list[tuple[str, int]] = []  # (run, number of the stage)

    def read(self, context: Any, table: str) -> list[dict[str, Any]]:
        """Rows as a load sees them."""
        return list(self.rows(table).values())

    def rows(self, table: str) -> dict[int, dict[str, Any]]:
        """Rows by id."""
        raise NotImplementedError

    def process(self) -> Any:
        """A new process takes over; the one before is dead from now on."""
        raise NotImplementedError

    def step(self, run: str, ledger: Any = None) -> bool:
        """Claim one batch, work it, settle it; False when there is none."""
        batch = self.claim(run, ledger or self.ledger)
        if batch is not None:
            self.settle(batch, ledger or self.ledger)
        return batch is not None

    def claim(self, run: str, ledger: Any) -> Batch | None:
        """The next batch, noted."""
        batch: Batch | None = ledger.claim(run, FREE)
        if batch is not None:
            self.claimed.append((run, batch.stage.number))
        return batch

    def settle(self, batch: Batch, ledger: Any) -> None:
        """Work a batch and settle it, items of their own in two slices; then recount."""
        found = Lanes(FREE, self.clock).inline(batch.stage, [dict(item) for item in batch.items], self.clock)
        results = [_judged(batch, one) for one in found]
        half = len(results) // 2 if batch.stage.per == "item" else 0
        for part, last in ((results[:half], False), (results[half:], True)):
            if part or last:
                ledger.settle(batch, part, last)
                assert self.miscounted() == []

    def drive(self, run: str, steps: int = STEPS) -> str:
        """Until the run comes to rest (or for so many steps); answers its status."""
        for _ in range(steps):
            if not self.step(run):
                rest = self.ledger.rest(run)
                if rest.finished:
                    break
                self.clock.advance(rest.due or 0.0)
        return self.status(run)

    def together(self, runs: Sequence[str], seed: int) -> None:
        """Two processes work on these runs at once, in an order that the seed decides."""
        draw, hands = random.Random(seed), [[self.ledger, None], [self.second(), None]]
        for _ in range(STEPS):
            hand = draw.choice(hands)
            if hand[1] is not None:
                self.settle(hand[1], hand[0])
                hand[1] = None
                continue
            hand[1] = self.claim(draw.choice(runs), hand[0])
            if hand[1] is None and not any(other for _, other in hands) and self._all_rest(runs):
                return
        raise AssertionError(f"seed {seed}: the runs do not come to rest")

    def _all_rest(self, runs: Sequence[str]) -> bool:
        rests = [self.ledger.rest(run).finished for run in runs]  # each of them may end now
        return all(rests)

    def second(self) -> Any:
        """Another live process beside the first."""
        raise NotImplementedError

    def status(self, run: str) -> str:
        """The word for the run."""
        raise NotImplementedError

    def miscounted(self) -> list[Any]:
        """Parents whose `open_children` are not the number of their unfinished children; counters that lie."""
        found = list(self.joins())
        waiting = Counter(parent for _, _, parent, state in found if state in ("ready", "leased"))
        return [(name, said, waiting[name]) for name, said, _, _ in found if said != waiting[name]]

    def joins(self) -> Iterator[tuple[str, int, str, str]]:
        """("table:id", open children, parent, state) of every row."""
        for table in TABLES:
            for item, row in self.rows(table).items():
                yield f"{table}:{item}", row["open_children"], row["parent"], row["state"]

    def end(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row in words, without ids and without what may differ between equal runs."""
        found = {table: self.rows(table) for table in TABLES}
        return {
            table: sorted((*(row[k] for k in KEPT), self._maker(found, table, row)) for row in rows.values())
            for table, rows in found.items()
        }

    def _maker(self, found: dict[str, dict[int, dict[str, Any]]], table: str, row: dict[str, Any]) -> str:
        return str(found[MAKER[table]][row["of"]]["name"]) if table in MAKER and row["of"] else ""


def _judged(batch: Batch, result: Result) -> Result:
    what = result.what
    if isinstance(what, Exception) and not isinstance(what, Died):
        what = verdict(what, batch.stage)
    return Result(result.item, what, result.attempt, result.seconds)


class OnPaper(Press):
    """The in-memory twin."""

    def __init__(self, **setup: Any) -> None:
        super().__init__(**setup)
        self.store, self._runs, self._lives = MemoryStore(), 0, 0
        self.process()

    def process(self) -> Any:
        self._lives += 1
        self.ledger = MemoryLedger(self.store, self.clock, f"life {self._lives}")
        self.ledger.free_expired(lambda holder: True)
        return self.ledger

    def second(self) -> Any:
        return MemoryLedger(self.store, self.clock, "beside")

    def start(self, words: Sequence[str], place: str = "north") -> str:
        """A run over the place's backlog and new keywords."""
        self._runs += 1
        run, pipeline = f"run-{self._runs}", self.world.pipeline()
        self.store.start(run, pipeline, [])
        for table in TABLES:
            for row in self.rows(table).values():
                if row["state"] == "ready" and row["run"] is None and row["place"] == place:
                    row["run"] = run
        for number, word in enumerate(words, 1 + len(self.rows("keyword"))):
            self.store.insert(run, pipeline, "keyword", {**BLANK, "name": word, "place": place, "ordinal": number})
        return run

    def rows(self, table: str) -> dict[int, dict[str, Any]]:
        found = self.store.rows.get(table, {})
        for row in found.values():
            for name, value in BLANK.items():
                row.setdefault(name, value)
        return found

    def status(self, run: str) -> str:
        return str(self.store.runs[run].status)

    def result(self, run: str, stage: str) -> dict[str, Any]:
        """What the stage says of the run."""
        return self.store.runs[run].results.get(stage, {})

    def cancel(self, run: str) -> None:
        """Ask for it."""
        self.store.runs[run].cancel = True

    def crashing(self, n: int, after: bool, run: str) -> bool:
        """Drive; the process dies before or after its n-th settle. Did it?"""
        count, settle = 0, self.ledger.settle

        def dies(*args: Any) -> None:
            nonlocal count
            count += 1
            if count == n and not after:
                raise SimulatedCrash
            settle(*args)
            if count == n:
                raise SimulatedCrash

        self.ledger.settle = dies
        try:
            self.drive(run)
        except SimulatedCrash:
            return True
        return False

    def wrong(self) -> list[Any]:
        """The oracle does not know the twin."""
        return []


BLANK = {"of": None, "note": "", "word": "", "words": 0, "place": "", "parent": ""}

_models: dict[str, Any] = {}


def tables() -> dict[str, Any]:
    """The test models, made once, with their tables."""
    from penstock.ledger.workitem import WorkItem

    for table in () if _models else TABLES:
        text = {name: models.CharField(max_length=60, default="") for name in ("name", "place", "note", "word")}
        more = {"of": models.BigIntegerField(null=True), "words": models.IntegerField(default=0)}
        meta = type("Meta", (WorkItem.Meta,), {"app_label": "newsroom", "db_table": f"newsroom_{table}"})
        _models[table] = type(
            f"News{table.title()}", (WorkItem,), {**text, **more, "Meta": meta, "__module__": __name__}
        )
        with connection.schema_editor() as editor:
            editor.create_model(_models[table])
    return _models


STATES = tuple(state.value for state in ItemState)
SITES = 'SELECT site_id, "table", stage, state, n FROM ledger_sitecounter'
STAGES = f"SELECT run_id, name, {', '.join(STATES)} FROM ledger_stagerun"


def _ask(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        return list(cursor.execute(sql).fetchall())


def _off(said: Counter[Any], found: Counter[Any]) -> list[tuple[Any, int]]:
    return [(key, said[key]) for key in {*said, *found} if said[key] != found[key]]


class OnDisk(Press):
    """DjangoLedger on SQLite."""

    def __init__(self, **setup: Any) -> None:
        super().__init__(**setup)
        self._others = {table: ledger.TABLES.get(table) for table in TABLES}  # a pipeline may call its own so
        self._empty()
        ledger.TABLES.update(tables())
        engine.PIPELINES["newsroom"] = lambda run: self.world.pipeline()
        self.ids, self._lives, self._sites = SequenceIds(), 0, dict[str, Any]()
        self.process()

    def remove(self) -> None:
        """Leave nothing behind."""
        self._empty()
        for table, other in self._others.items():
            ledger.TABLES.pop(table, None)
            if other is not None:
                ledger.TABLES[table] = other
        engine.PIPELINES.pop("newsroom", None)

    def _empty(self) -> None:
        for model in tables().values():
            model.objects.all().delete()

    def process(self) -> Any:
        from penstock.ledger import sweep

        self._lives += 1
        self.ledger = self._ledger(self._lives)
        sweep.recover(self.ledger)
        return self.ledger

    def second(self) -> Any:
        return self._ledger(0)

    def _ledger(self, life: int) -> Any:
        from penstock.ledger import runlog
        from penstock.ledger.store import DjangoLedger

        runlog.forget()
        me = ProcessIdentity.me()
        return DjangoLedger(self.clock, ProcessIdentity(me.host, me.boot, me.pid, me.started + life))

    def site(self, place: str) -> Any:
        """The site of a place."""
        from penstock.accounts.models import create_site

        if place not in self._sites:
            self._sites[place] = create_site(place, "newsroom")
        return self._sites[place]

    def start(self, words: Sequence[str], place: str = "north") -> str:
        """A run over the place's backlog and new keywords."""
        from penstock.ledger import control, events
        from penstock.ledger.counters import Tally
        from penstock.ledger.tx import write

        site, tally, moves = self.site(place), Tally(), []
        with write("test") as cursor:
            for number, word in enumerate(words, 1 + len(self.rows("keyword"))):
                fields = {"name": word, "place": place, "ordinal": number, "word": "new"}
                made = tables()["keyword"].objects.create(site=site, stage="gather", **fields)
                tally.add(None, "keyword", ("gather", "ready"), 1)
                moves.append(("keyword", made.pk, "", "gather/ready"))
            events.record(self.clock.wall(), "imported", site=site.pk, moves=moves)
            tally.write(cursor, site.pk)
        return str(control.start(site, self.clock, self.ids).id)

    def rows(self, table: str) -> dict[int, dict[str, Any]]:
        return {row["id"]: row for row in tables()[table].objects.values()}

    def status(self, run: str) -> str:
        from penstock.ledger import control

        return str(control.find(run).status)

    def result(self, run: str, stage: str) -> dict[str, Any]:
        """What the stage says of the run."""
        from penstock.ledger.models import StageRun

        found: dict[str, Any] = StageRun.objects.get(run=run, name=stage).result
        return found

    def cancel(self, run: str) -> None:
        """Ask for it."""
        from penstock.ledger import control

        control.cancel(control.find(run), self.clock)

    def retry(self, run: str) -> str:
        """A run over what broke."""
        from penstock.ledger import control

        return str(control.retry(control.find(run), self.clock, self.ids).id)

    def roll_back(self, run: str) -> int:
        """Undo the run; answers how many rows went or look as before."""
        from penstock.ledger import control, rollback

        undone = rollback.rollback(control.find(run), self.clock.wall())
        return undone.rows + undone.restored

    def whole(self) -> dict[str, dict[int, dict[str, Any]]]:
        """Every column of every row."""
        return {table: self.rows(table) for table in TABLES}

    def crashing(self, n: int, after: bool, run: str) -> bool:
        """Drive; the process dies before or after its n-th commit. Did it?"""
        try:
            with armed(f"*.{'after' if after else 'before'}_commit=crash@{n}"):
                self.drive(run)
        except SimulatedCrash:
            return True
        return False

    def joins(self) -> Iterator[tuple[str, int, str, str]]:
        for table in TABLES:
            found = _ask(f"SELECT id, open_children, parent, state FROM newsroom_{table}")
            yield from ((f"{table}:{item}", n, parent, state) for item, n, parent, state in found)

    def miscounted(self) -> list[Any]:
        """Joins, and the counters of runs and sites, against a recount."""
        rows, places = Counter[Any](), Counter[Any]()
        for table in TABLES:
            grouped = f"SELECT site_id, run, stage, state, COUNT(*) FROM newsroom_{table} GROUP BY 1, 2, 3, 4"
            for site, run, stage, state, n in _ask(grouped):
                places[site, table, stage, state] += n
                rows[run, stage, state] += n if run else 0
        said = Counter[Any]({(*place,): n for *place, n in _ask(SITES)})
        stages = Counter[Any]()
        for run, stage, *numbers in _ask(STAGES):
            stages.update({(run, stage, state): n for state, n in zip(STATES, numbers, strict=True)})
        lies = [(k, n, place[k]) for n_of, place in ((said, places), (stages, rows)) for k, n in _off(n_of, place)]
        return [*super().miscounted(), *lies]

    def wrong(self) -> list[Any]:
        """What the oracle says."""
        from penstock.oracle import examine

        return examine(deep=True, clock=self.clock)
