"""What a person may expect of runs, in plain Python: who may ask what, where items stand, what a rollback puts back."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

STAGES = {"widget": ("cut", "number", "join", "look"), "part": ("polish",)}
OPEN = ("running", "paused")
Key = tuple[str, str]
"""(table, name): widgets by their id, parts by their maker and number."""


class No(Exception):
    """The rules refuse this."""


@dataclass
class Row:
    """Where an item stands; `maker` is the widget that waits for it."""

    stage: str
    state: str = "ready"
    run: int | None = None
    made_by: int | None = None
    maker: Key | None = None


@dataclass
class One:
    """A run: its state, what was asked of it, and how the rows that it took looked before."""

    status: str = "running"
    pause: bool = False
    cancel: bool = False
    blocked: bool = False
    undone: bool = False
    images: dict[Key, Row] = field(default_factory=dict)


@dataclass
class Model:
    """Runs in order, rows by key, and the batch under way, if any."""

    rows: dict[Key, Row] = field(default_factory=dict)
    runs: list[One] = field(default_factory=list)
    held: list[tuple[int, tuple[Key, ...]]] = field(default_factory=list)

    def copied(self) -> Model:
        """Another one that looks the same."""
        return copy.deepcopy(self)

    # -- verbs ----------------------------------------------------------------------------------------------

    def start(self, scope: list[Key] | None = None) -> None:
        """A run takes the backlog; one at a time."""
        self._refuse(any(run.status in OPEN for run in self.runs))
        one, number = One(), len(self.runs)
        for key, row in self.rows.items():
            if row.state == "ready" and row.run is None and (scope is None or key in scope):
                one.images[key] = copy.copy(row)
                row.run = number
        self.runs.append(one)

    def pause(self) -> None:
        """Only what runs."""
        self._refuse(self.last.status != "running")
        self.last.pause = True

    def resume(self) -> None:
        """What is paused, or is about to be."""
        one = self.last
        about_to = one.status == "running" and one.pause and not one.blocked
        self._refuse(not about_to and one.status != "paused")
        one.status, one.pause, one.blocked = "running", False, False

    def cancel(self) -> None:
        """Only what is open; a paused run wakes to be cancelled."""
        self._refuse(self.last.status not in OPEN)
        self.last.cancel, self.last.status = True, "running"

    def block(self) -> None:
        """Work found that nothing can go on."""
        if self.last.status == "running":
            self.last.blocked = True

    def rest(self) -> None:
        """The run ends when no batch is open and nothing is asked for or nothing is left."""
        one, number = self.last, len(self.runs) - 1
        if one.status != "running" or any(run == number for run, _ in self.held):
            return
        asked = one.pause or one.cancel or one.blocked
        if not asked and any(self._ready(key, number) for key in self.rows):
            return
        if one.blocked and not one.undone:
            self._undo(number)
        if one.cancel:
            one.status = "cancelled"
        elif one.blocked:
            one.status = "failed"
        else:
            one.status = "paused" if one.pause else "completed"
        one.pause = False
        if one.status != "paused":
            for row in self.rows.values():
                if row.run == number and row.state == "ready":
                    row.run = None

    def rest_half(self) -> None:
        """A blocked run is rolled back first, and ended then: between the two it may be left for a moment."""
        one, number = self.last, len(self.runs) - 1
        if one.status == "running" and one.blocked and not one.undone and not any(r == number for r, _ in self.held):
            self._undo(number)

    def retry(self) -> None:
        """What failed goes back, and a run starts with it."""
        one, number = self.last, len(self.runs) - 1
        self._refuse(one.status in OPEN)
        broken = [key for key, row in self.rows.items() if row.run == number and row.state == "failed"]
        self._refuse(not broken)
        for key in broken:
            self.rows[key].state, self.rows[key].run = "ready", None
        self.start(broken)

    def rollback(self, number: int) -> None:
        """What a run made goes, what it took looks as before; not while anything is open. Again it changes nothing."""
        one = self.runs[number]
        self._refuse(one.status in OPEN)
        if one.undone:
            return
        self._refuse(any(run.status in OPEN for run in self.runs))
        self._undo(number)

    def _undo(self, number: int) -> None:
        one = self.runs[number]
        gone = {key for key, row in self.rows.items() if row.made_by == number}
        for key in gone:
            del self.rows[key]
            for other in self.runs:
                other.images.pop(key, None)
        for key, image in one.images.items():
            if self.rows[key].run in (number, None):
                self.rows[key] = copy.copy(image)
        one.images, one.undone = {}, True

    # -- work -----------------------------------------------------------------------------------------------

    def claim(self, keys: tuple[Key, ...]) -> None:
        """These were given out: they must have been free."""
        number = len(self.runs) - 1
        for key in keys:
            assert self._ready(key, number), f"{key} was not to be claimed: {self.rows[key]}"
            self.rows[key].state = "leased"
        self.held.append((number, keys))

    def settle(self, batch: int, failed: bool) -> None:
        """The batch came back: everything moves on, or fails."""
        number, keys = self.held.pop(batch)
        for key in keys:
            row, stages = self.rows[key], STAGES[key[0]]
            if failed:
                row.state = "failed"
                continue
            if row.stage == "number":
                self._make_parts(key, number)
            at = stages.index(row.stage)
            row.state = "ready"
            if at + 1 < len(stages):
                row.stage = stages[at + 1]
            else:
                row.state = "waiting" if row.stage == "look" else "done"

    def _make_parts(self, maker: Key, number: int) -> None:
        for part in range(2):
            key = ("part", f"widget:{maker[1]}:part:{part}")
            if key not in self.rows:
                self.rows[key] = Row("polish", run=number, made_by=number, maker=maker)

    def lose(self) -> None:
        """The process is gone: what it held is ready again."""
        for _, keys in self.held:
            for key in keys:
                self.rows[key].state = "ready"
        self.held.clear()

    # -- questions ------------------------------------------------------------------------------------------

    @property
    def last(self) -> One:
        """The newest run."""
        return self.runs[-1]

    def _ready(self, key: Key, number: int) -> bool:
        row = self.rows[key]
        return row.run == number and row.state == "ready" and not self.waits(key)

    def waits(self, key: Key) -> int:
        """How many of its parts are not at rest."""
        return sum(row.maker == key and row.state in ("ready", "leased") for row in self.rows.values())

    def shown(self) -> Any:
        """What is compared: rows and runs."""
        rows = {k: (r.stage, r.state, r.run, r.made_by, self.waits(k)) for k, r in self.rows.items()}
        return rows, [_told(run) for run in self.runs]

    @staticmethod
    def _refuse(no: bool) -> None:
        if no:
            raise No


def _told(run: One) -> tuple[Any, ...]:
    asked = (run.pause, run.cancel, run.blocked) if run.status == "running" else ()
    return (run.status, run.undone, asked)
