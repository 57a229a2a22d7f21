"""What each verdict means for an item: the plan of a slice, pure; a ledger writes it in one transaction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, cast

from penstock.engine.backoff import delay
from penstock.engine.errors import Died
from penstock.engine.outcome import Done, Fail, Fallback, File, Merge, Note, Outcome, Quarantine, Ref, Retry, Row, Skip
from penstock.engine.pipeline import Pipeline, Stage
from penstock.engine.port import Later, Result
from penstock.engine.states import ItemState

FREE = {"batch": None}
FRESH = {
    **FREE, "attempts": 0, "deaths": 0, "losses": 0, "share": 0, "available_at": 0.0, "error": "", "error_code": "",
}  # fmt: skip


class Change(NamedTuple):
    """What is written to an item: its `own` fields, and those that it shares with whatever goes to the same place."""

    item: int
    own: Mapping[str, Any]
    shared: Mapping[str, Any]


@dataclass
class Plan:
    """The changes of one slice, before they are written."""

    stage: Stage
    pipeline: Pipeline
    now: float
    deaths: Mapping[int, int] = field(default_factory=dict)  # so far, per item
    changes: list[Change] = field(default_factory=list)
    moved: list[tuple[int, tuple[str, str]]] = field(default_factory=list)  # item → new (stage, state)
    makes: list[tuple[int, Row]] = field(default_factory=list)
    files: list[tuple[int, File]] = field(default_factory=list)
    merges: list[tuple[int, Merge]] = field(default_factory=list)
    refs: list[tuple[int, dict[str, Ref]]] = field(default_factory=list)  # columns that want the id of a made row
    skipped: set[int] = field(default_factory=set)  # they leave the run
    counts: Counter[str] = field(default_factory=Counter)  # for the stage's result
    why: str = ""  # the reason of what was skipped
    done: list[int] = field(default_factory=list)
    retried: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    _shared: dict[Any, tuple[tuple[str, str], dict[str, Any]]] = field(default_factory=dict)

    def take(self, result: Result) -> None:
        """Plan what one result means."""
        self.seconds += result.seconds
        if notes := _notes(result.what):
            self.lines += [(note.level, note.text) for note in notes]
        if result.together > 1 and isinstance(result.what, Retry | Fail | Quarantine | Died):
            _halve(self, result, result.what)
        else:
            _PLANNERS[type(result.what)](self, result, result.what)

    def to(
        self, item: int, stage: str, state: ItemState, own: Mapping[str, Any], ends: Mapping[str, Any] = FREE
    ) -> None:
        """The item goes to (stage, state) with its own fields; the seeds' words follow by themselves, and with them
        what `ends` there: its lease, or also its attempts."""
        place, shared = self._place(stage, state, ends)
        if own and not own.keys().isdisjoint(shared):
            own = {**shared, **own, **(ends if ends is FRESH else {}), "stage": stage, "state": state.value}
            shared = {}
        self.changes.append(Change(item, own, shared))
        self.moved.append((item, place))

    def _place(self, stage: str, state: ItemState, ends: Mapping[str, Any]) -> tuple[tuple[str, str], dict[str, Any]]:
        """One and the same place and mapping for whatever goes there."""
        key = (stage, state, ends is FRESH)
        if key not in self._shared:
            words = self.pipeline.status(self.stage.takes, stage, state) if self.pipeline.status else {}
            shared = {**words, **ends, "stage": stage, "state": state.value}
            self._shared[key] = ((stage, state.value), shared)
        return self._shared[key]

    @property
    def arrived(self) -> Mapping[str, Any]:
        """What an item shares with all that are done here, where none of its own fields is among that."""
        return self._place(*self.goal, FRESH)[1]

    @cached_property
    def goal(self) -> tuple[str, ItemState]:
        """Where an item goes that is done here."""
        following = None if self.stage.gate else self.pipeline.after(self.stage)
        if following is not None:
            return following.name, ItemState.READY
        return self.stage.name, ItemState.WAITING if self.stage.gate else ItemState.DONE

    def again(self, item: int, fields: Mapping[str, Any]) -> None:
        """Back to ready at the same stage."""
        self.to(item, self.stage.name, ItemState.READY, fields)


def _done(plan: Plan, result: Result, what: Done) -> None:
    plan.done.append(result.item)
    if what.makes or what.files or what.counts:
        plan.makes += [(result.item, row) for row in what.makes]
        plan.files += [(result.item, file) for file in what.files]
        plan.counts.update(what.counts)
    if what.fields and (refs := {name: value for name, value in what.fields.items() if isinstance(value, Ref)}):
        plan.refs.append((result.item, refs))
    plan.to(result.item, *plan.goal, what.fields, FRESH)


def _halve(plan: Plan, result: Result, what: Retry | Fail | Quarantine | Died) -> None:
    """A batch that failed as one is tried once more as it was, then in halves, until whoever is at fault is alone."""
    reason, code = (str(what), what.cause) if isinstance(what, Died) else (what.reason, what.code)
    share = 0 if result.attempt == 1 else (result.together + 1) // 2
    plan.retried.append(result.item)
    plan.again(result.item, {"share": share, "error": reason, "error_code": code})


def _retry(plan: Plan, result: Result, what: Retry) -> None:
    way = plan.stage.way(result.attempt + 1)
    if way >= len(plan.stage.tries):
        _break(plan, result, ItemState.FAILED, what.reason, what.code, plan.stage.fail_fields)
        return
    wait = delay(result.attempt, plan.stage.backoff) if what.after is None else what.after
    plan.retried.append(result.item)
    plan.lines.append(("WARN", f"id={result.item} attempt {result.attempt} failed ({what.code}): {what.reason}"))
    plan.again(result.item, {"available_at": plan.now + wait, "error": what.reason, "error_code": what.code})


def _fallback(plan: Plan, result: Result, what: Fallback) -> None:
    way = plan.stage.way(result.attempt) + 1
    if way >= len(plan.stage.tries):
        _break(plan, result, ItemState.FAILED, what.reason, what.code, plan.stage.fail_fields)
        return
    spent = plan.stage.attempts_before(way)
    plan.retried.append(result.item)
    plan.again(result.item, {"attempts": spent, "error": what.reason, "error_code": what.code})


def _fail(plan: Plan, result: Result, what: Fail) -> None:
    _break(plan, result, ItemState.FAILED, what.reason, what.code, what.fields)


def _quarantine(plan: Plan, result: Result, what: Quarantine) -> None:
    _break(plan, result, ItemState.QUARANTINED, what.reason, what.code, what.fields)


def _died(plan: Plan, result: Result, what: Died) -> None:
    """The attempt is refunded: deaths are counted apart, and three of them quarantine."""
    count = plan.deaths.get(result.item, 0) + 1
    reason = " ".join(f"{what} {what.detail}".split())
    plan.lines.append(("WARN", f"id={result.item} worker ended ({what.cause}), death {count}: {reason}"))
    if count >= plan.stage.deaths:
        fields = {**plan.stage.death_fields, "deaths": count}
        _break(plan, result, ItemState.QUARANTINED, reason, what.cause, fields)
        return
    fields = {"deaths": count, "attempts": result.attempt - 1, "error": reason, "error_code": what.cause}
    plan.retried.append(result.item)
    plan.again(result.item, {**fields, "available_at": plan.now + delay(count, plan.stage.backoff)})


def _later(plan: Plan, result: Result, what: Later) -> None:
    plan.again(
        result.item,
        {"attempts": result.attempt - 1, "available_at": plan.now + what.after if what.after else 0.0},
    )


def _merge(plan: Plan, result: Result, what: Merge) -> None:
    plan.merges.append((result.item, what))
    plan.lines.append(("INFO", f"id={result.item} is the same as id={what.into}: {what.reason}"))


def _skip(plan: Plan, result: Result, what: Skip) -> None:
    if what.reason != plan.why:
        plan.lines.append(("WARN", f"{plan.stage.title} skipped: {what.reason}"))
    plan.why = what.reason
    plan.skipped.add(result.item)
    plan.again(result.item, {"attempts": result.attempt - 1, "run": None})


def _break(plan: Plan, result: Result, state: ItemState, reason: str, code: str, fields: Mapping[str, Any]) -> None:
    plan.broken.append(result.item)
    word = "Quarantined" if state is ItemState.QUARANTINED else "[FAIL]"
    plan.lines.append(("ERROR", f"{word} id={result.item} reason={reason} ({code})"))
    plan.to(result.item, plan.stage.name, state, {**fields, "error": reason, "error_code": code})


def _notes(what: Outcome | Died | Later | Exception) -> tuple[Note, ...]:
    return cast(tuple[Note, ...], getattr(what, "notes", ()))


_PLANNERS: dict[type, Callable[[Plan, Result, Any], None]] = {
    Done: _done,
    Retry: _retry,
    Fallback: _fallback,
    Fail: _fail,
    Quarantine: _quarantine,
    Died: _died,
    Later: _later,
    Merge: _merge,
    Skip: _skip,
}


def origin(table: str, maker: int, made: str, key: str) -> str:
    """The unique key of a row of `made` that an item of `table` made: a replay makes none twice."""
    return f"{table}:{maker}:{made}:{key}"


def origin_of(ref: Ref, table: str, item: int) -> str:
    """The unique key of the row that a column of an item of `table` refers to."""
    return origin(table, item if ref.by is None else ref.by, ref.table, ref.key)


def result_with(plan: Plan, result: Mapping[str, Any]) -> dict[str, Any]:
    """A stage's result with what this slice adds: its counts, and why items were skipped."""
    added = {name: result.get(name, 0) + n for name, n in plan.counts.items()}
    return {**result, **added, **({"skipped": plan.why} if plan.why else {})}


def by_state(moved: Iterable[tuple[int, tuple[str, str]]]) -> dict[tuple[str, str], int]:
    """How many items go where."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for _, place in moved:
        counts[place] += 1
    return counts
