"""A pipeline is an ordered tuple of stages: frozen data that the loop reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from penstock.engine.errors import NotFound
from penstock.engine.outcome import Outcome

Item = dict[str, Any]
"""Plain data about one item, as `load` read it. Always holds `id`, `ordinal`, `attempt` (from 1) and `way`."""

Work = (
    Callable[..., Outcome]
    | Callable[..., list[Outcome]]
    | Callable[..., Awaitable[Outcome]]
    | Callable[..., Awaitable[list[Outcome]]]
    | str
)
"""What a stage does; see `Stage.runner` and `Stage.per` for how it is called."""

Progress = Callable[[str], None]
"""Called by work whenever it has made progress; keeps the idle limit away."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. `idle`: without progress; `hard`: one item altogether; `start`: until a child is ready."""

    idle: float = 120.0
    hard: float = 600.0
    start: float = 60.0
    memory_mb: int = 0  # address space of a child; 0 = unlimited


@dataclass(frozen=True, slots=True)
class EffectPlan:
    """A side effect that is journaled before it happens. `kind` names the doer in `ledger.EFFECTS`."""

    item: int
    kind: str
    source: str
    target: str


@dataclass(frozen=True)
class Stage:
    """One step for one kind of item.

    `runner`: inline (`work(item) -> Outcome`; pure, quick) · async (`await work(item, progress)`) · child
    (`work` is "module:function", called as function(stage, item, progress) in a supervised process).
    `per="batch"`/`"set"`: work gets the list of items and answers one Outcome per item, in order.
    `tries`: tries per way; the second way is the fallback, and so on. After the work of a `gate` items wait for a
    person. `barrier`: opens when nothing upstream of the run is ready or leased. `ordered`: items go through in the
    order of their ordinals, one batch at a time, whoever drives.
    """

    number: int
    name: str
    title: str
    takes: str
    runner: Literal["inline", "async", "child"]
    work: Work = ""
    load: Callable[[Any, Sequence[int]], list[Item]] | None = None
    effects: Callable[[Any, Sequence[Item]], list[EffectPlan]] | None = None
    per: Literal["item", "batch", "set"] = "item"
    lane: str = "cpu"
    size: int = 1
    tries: tuple[int, ...] = (3,)
    deaths: int = 3
    limits: Limits = field(default_factory=Limits)
    makes: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    barrier: bool = False
    ordered: bool = False
    gate: bool = False
    delay: float = 0.0  # seconds between two batches of this stage, over all drivers
    backoff: float = 1.0  # seconds before the first retry; doubles
    death_fields: Mapping[str, Any] = field(default_factory=dict)  # written when deaths quarantine an item
    fail_fields: Mapping[str, Any] = field(default_factory=dict)  # written when an error fails an item

    def way(self, attempt: int) -> int:
        """Which way (0 = primary) attempt number `attempt` (from 1) takes; len(tries) when all are spent."""
        for index, tries in enumerate(self.tries):
            if attempt <= tries:
                return index
            attempt -= tries
        return len(self.tries)

    def attempts_before(self, way: int) -> int:
        """How many attempts are spent when `way` begins."""
        return sum(self.tries[:way])


@dataclass(frozen=True)
class Pipeline:
    """Stages in order. `status(table, stage, state)` gives the columns that say it in the seeds' words. `on_blocking`:
    what a blocking failure does to a run whose site does not say."""

    name: str
    stages: tuple[Stage, ...]
    overlap: bool = True
    between_delay: float = 0.0
    status: Callable[[str, str, str], Mapping[str, Any]] | None = None
    on_blocking: Literal["rollback", "pause"] = "rollback"
    preflight: Callable[[], Awaitable[list[tuple[str, str]]]] | None = None  # log lines; raises Blocking

    def stage(self, name: str) -> Stage:
        """The stage called `name`. Raises NotFound."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise NotFound(f"pipeline {self.name} has no stage {name!r}")

    def after(self, stage: Stage) -> Stage | None:
        """The next stage that takes the same kind of item, or None at the end."""
        later = (s for s in self.stages if s.number > stage.number and s.takes == stage.takes)
        return next(later, None)

    def first(self, table: str) -> Stage:
        """Where a row of `table` begins. Raises NotFound."""
        for stage in self.stages:
            if stage.takes == table:
                return stage
        raise NotFound(f"pipeline {self.name} takes no {table!r}")

    def before(self, stage: Stage) -> tuple[Stage, ...]:
        """Everything upstream of `stage`."""
        return tuple(s for s in self.stages if s.number < stage.number)
