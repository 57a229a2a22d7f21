"""What work may answer. A verdict is data; the ledger's store writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from penstock.engine.errors import PenstockError


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the run log. `level` is INFO, WARN or ERROR."""

    text: str
    level: str = "INFO"


@dataclass(frozen=True, slots=True)
class File:
    """An artefact: written at `work` (below `.work/<batch>/`, fsynced), to be renamed to `path` after the commit."""

    work: str
    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row to make in `table`. `key` is unique among the rows that this item makes, so a replay makes none twice."""

    table: str
    key: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ref:
    """As a value of `Done.fields`: the id of the row of `table` that the item `by` (None: this one) made under `key`,
    in this settle or an earlier one. So what a batch made together is spoken of before it has an id."""

    table: str
    key: str
    by: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The stage did its work: write `fields`, make the rows, commit the files, move on.

    `counts` are added to what the stage's result says of the run (clusters_created: 3)."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    makes: tuple[Row, ...] = ()
    files: tuple[File, ...] = ()
    notes: tuple[Note, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after `after` seconds (None: the stage's back-off); spends a try."""

    reason: str
    code: str = "retry"
    after: float | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Fallback:
    """This way of doing it is exhausted: go on with the stage's next way, or fail when there is none."""

    reason: str
    code: str = "fallback"
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Fail:
    """The item's own, permanent failure. `fields` are written with it (a status class, say)."""

    reason: str
    code: str = "failed"
    fields: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Set the item aside with its cause."""

    reason: str
    code: str = "quarantined"
    fields: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Merge:
    """The item is the same thing as an older row: remove it, undo its effects, and, when `stage` is given,
    take the older row into this run at that stage with `fields`."""

    into: int
    reason: str
    stage: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """Not in this run: the item goes back to the backlog untried, and the stage's result tells the reason."""

    reason: str
    notes: tuple[Note, ...] = ()


Outcome = Done | Retry | Fallback | Fail | Quarantine | Merge | Skip

_KINDS = {kind.__name__: kind for kind in (Done, Retry, Fallback, Fail, Quarantine, Merge, Skip)}
_REF = "$ref"


def to_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain data for a frame."""
    data = {"kind": type(outcome).__name__, **asdict(outcome)}
    fields: Mapping[str, Any] = getattr(outcome, "fields", {})
    for name, value in fields.items():
        if isinstance(value, Ref):
            data["fields"][name] = {_REF: [value.table, value.key, value.by]}
    return data


def from_json(data: Mapping[str, Any]) -> Outcome:
    """The outcome that `to_json` wrote. Raises PenstockError when the data is not one."""
    values = dict(data)
    kind = _KINDS.get(values.pop("kind", ""))
    if kind is None:
        raise PenstockError(f"a worker answered {data.get('kind')!r}, which is no outcome")
    try:
        return _build(kind, values)
    except (TypeError, KeyError, AttributeError) as error:
        raise PenstockError(f"a worker answered a malformed {kind.__name__}: {error}") from error


def _build(kind: type, values: dict[str, Any]) -> Outcome:
    for name, part in (("makes", Row), ("files", File), ("notes", Note)):
        if name in values:
            values[name] = tuple(part(**one) for one in values[name])
    if "fields" in values:
        values["fields"] = {name: _value(value) for name, value in values["fields"].items()}
    built: Outcome = kind(**values)
    return built


def _value(value: Any) -> Any:
    return Ref(*value[_REF]) if isinstance(value, dict) and set(value) == {_REF} else value
