"""The ports of the loop: what it asks of the ledger. The Django store and the in-memory twin both answer it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from penstock.engine.errors import Died
from penstock.engine.outcome import Outcome
from penstock.engine.pipeline import Item, Pipeline, Stage


@dataclass(frozen=True, slots=True)
class Batch:
    """What was claimed at once. `id` is the epoch: it is never reused and guards every settle."""

    id: int
    run: str
    stage: Stage
    items: tuple[Item, ...]

    @property
    def pieces(self) -> int:
        """How many pieces of work it is: its items, or one where they are worked together."""
        return len(self.items) if self.stage.per == "item" else 1


@dataclass(frozen=True, slots=True)
class Later:
    """Give the item back untried; it may be claimed again after `after` seconds."""

    after: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item: an outcome, a death, or back untried. `seconds` is its working time."""

    item: int
    what: Outcome | Died | Later | Exception  # the driver turns an Exception into a verdict before it settles
    attempt: int = 1
    seconds: float = 0.0
    together: int = 1  # how many items this befell as one: a failing call of a `per="batch"` stage


@dataclass(frozen=True, slots=True)
class Slice:
    """Results of a batch that are to be settled now; `last` closes the batch."""

    batch: Batch
    results: Sequence[Result]
    last: bool


@dataclass(frozen=True, slots=True)
class Turned:
    """What a turn brought: batches that were claimed, ids of batches that were lost, runs that had nothing."""

    batches: Sequence[Batch] = ()
    lost: frozenset[int] = frozenset()
    barren: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Requests:
    """What people asked of a run."""

    pause: bool = False
    cancel: bool = False
    abort: bool = False
    open: bool = True  # the run is still running, as far as the ledger knows

    @property
    def stop(self) -> bool:
        """Nothing more may be claimed."""
        return self.pause or self.cancel or self.abort or not self.open


@dataclass(frozen=True, slots=True)
class Rest:
    """Whether a run has come to rest; if not, in how many seconds the next item is due (None: unknown)."""

    finished: bool
    due: float | None = None


class Ledger(Protocol):
    """Durable truth, as the loop sees it. Every call is one transaction."""

    def runs(self) -> list[str]:
        """Runs that want a driver, oldest first."""

    def pipeline(self, run: str) -> Pipeline:
        """The pipeline of a run, as the site configured it when the run started."""

    def claim(self, run: str, free: Mapping[str, int]) -> Batch | None:
        """Lease the deepest ready batch that fits the free lanes, charge its attempts, load it, plan its effects."""

    def settle(self, batch: Batch, results: Sequence[Result], last: bool) -> None:
        """Write a slice of results, next states, counters and one event; `last` closes the batch.

        Raises LeaseLost when the batch is no longer this holder's: nothing is written then."""

    def turn(self, slices: Sequence[Slice], runs: Sequence[str], room: Mapping[str, int]) -> Turned:
        """Settle, then claim for the runs in rotation while a lane has room (pieces of work), in one transaction.

        A slice whose batch was lost is left out; the others are written."""

    def beat(self, batches: Sequence[Batch]) -> set[int]:
        """Extend the leases; answers the ids that were lost."""

    def requests(self, run: str) -> Requests:
        """What people asked of the run since."""

    def rest(self, run: str) -> Rest:
        """Finish the run when nothing is left to do; honour a pause or cancel once no batch is open."""

    def hold(self, run: str, reason: str) -> None:
        """Something outside is down: ask for a pause, with the reason."""

    def block(self, run: str, reason: str, code: str) -> None:
        """The run cannot go on: it ends as failed once no batch is open."""

    def note(self, run: str, lines: Sequence[tuple[str, str]], stage: str = "") -> None:
        """Lines (level, text) for the run log."""

    def peaks(self, run: str, stage: str, peaks: Mapping[str, float]) -> None:
        """Raise the recorded peaks of a stage: `cpu_percent` of one core, `rss_mb` in MiB."""
