"""The gate: approve, reject, edit, hold, send back. Only here an item becomes Approved, and only for what was seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from penstock.engine.errors import NotFound, Refused, UsageError
from penstock.engine.states import ItemState, check_move
from penstock.ledger import events, rows
from penstock.ledger.counters import Tally
from penstock.ledger.tx import commits, write
from penstock.review import GATES, LOCKS
from penstock.review.models import Decision

commits("review.edit", "review.decide")


@dataclass(frozen=True)
class Gate:
    """What the gate must know of a table: which fields are shown and editable, and what the fingerprint covers.

    `clean(site, row, fields)` checks a person's edit and answers what to write (UsageError names the field);
    `seen(row)` is everything that an approval binds; `ready(row)` says why a row cannot be approved yet ("" = it can);
    `released`/`retaken` run in the transaction of a rejection and of its undo (file names).
    """

    table: str
    stage: str
    title: Callable[[Mapping[str, Any]], str]
    fields: Sequence[str]
    clean: Callable[[Any, Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]
    seen: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ready: Callable[[Mapping[str, Any]], str]
    words: Callable[[str, str, str], Mapping[str, Any]]
    opened: Callable[[Any], str] = lambda _row: ""
    released: Callable[[Mapping[str, Any]], None] = lambda _row: None
    retaken: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda _row: {}
    current_hash: Callable[[Mapping[str, Any]], str] = lambda _row: ""
    locked: list[Callable[[int], str]] = field(default_factory=list)  # why an item cannot be changed now ("" = it can)


@dataclass(frozen=True)
class Approved:
    """The only key that publishing accepts. Made by `approved`, never stored, never sent."""

    table: str
    item: int
    fingerprint: str
    row: Mapping[str, Any]
    who: str


def gate_of(table: str) -> Gate:
    """The gate registered for a table."""
    gate: Gate = GATES[table]
    return gate


def fingerprint(gate: Gate, row: Mapping[str, Any]) -> str:
    """SHA-256 over what the approval binds, as canonical JSON."""
    seen = json.dumps(gate.seen(row), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(seen.encode()).hexdigest()


def approve(table: str, item: int, *, who: str, at: datetime, **options: Any) -> Mapping[str, Any]:
    """A person says yes to the row as it stands. Options: `revision` (expected), `decision_id`, `seen` (fingerprint).

    Raises Refused when the row is not waiting, changed meanwhile, or is not complete."""
    return _decide(table, item, "approved", ItemState.APPROVED, who=who, at=at, **options)


def reject(table: str, item: int, *, who: str, at: datetime, reason: str, **options: Any) -> Mapping[str, Any]:
    """A person says no, with a reason; what the row reserved is released. Raises UsageError without a reason."""
    if not reason.strip():
        raise UsageError("a rejection needs a reason; give --reason")
    return _decide(table, item, "rejected", ItemState.REJECTED, who=who, at=at, reason=reason, **options)


def send_back(table: str, item: int, *, who: str, at: datetime, **options: Any) -> Mapping[str, Any]:
    """Undo a decision that has not been published: the row waits again."""
    return _decide(table, item, "pending", ItemState.WAITING, who=who, at=at, **options)


def edit(
    table: str, item: int, fields: Mapping[str, Any], *, who: str, at: datetime, **options: Any
) -> Mapping[str, Any]:
    """A person changes fields; an approval is void by it. Options: `revision` (expected), `decision_id`.

    Raises UsageError naming the field, or Refused."""
    return _change(gate_of(table), item, fields, None, who=who, at=at, **options)


def rewrite(
    table: str, item: int, fields: Mapping[str, Any], told: Mapping[str, Any], *, who: str, at: datetime, **options: Any
) -> Mapping[str, Any]:
    """A person takes fields that a machine wrote anew, with what is told of their making (`told`: other columns).

    They are no longer a person's own: a later run may write them again. Options and errors as with `edit`."""
    return _change(gate_of(table), item, fields, told, who=who, at=at, **options)


def approved(table: str, item: int) -> Approved:
    """The key for one item: its decision is approved, nothing changed since, and the original's bytes are the same.

    Raises Refused saying why not."""
    gate = gate_of(table)
    row = _row(gate, item)
    decision = Decision.objects.filter(table=table, item=item).order_by("-id").first()
    if row["state"] not in (ItemState.APPROVED, ItemState.DONE) or decision is None:
        raise Refused(f"item {item} is not approved")
    if decision.verdict != "approved" or decision.fingerprint != fingerprint(gate, row):
        raise Refused(f"item {item} changed after it was approved; review it again")
    wrong = gate.current_hash(row)
    if wrong:
        raise Refused(f"item {item}: {wrong}")
    return Approved(table, item, decision.fingerprint, row, decision.who)


def _change(
    gate: Gate, item: int, fields: Mapping[str, Any], told: Mapping[str, Any] | None, *, who: str, at: datetime,
    revision: int | None = None, decision_id: str | None = None,
) -> Mapping[str, Any]:  # fmt: skip
    with write("review.edit") as cursor:
        if _decided_before(gate, item, decision_id):
            return _row(gate, item)
        row = _locked_row(gate, item, revision)
        if row["state"] not in (ItemState.WAITING, ItemState.APPROVED):
            raise Refused(f"item {item} is {_word(row)}; only a pending or approved row can be edited")
        changed = {k: v for k, v in gate.clean(row["site_id"], row, fields).items() if row[k] != v}
        if not changed:
            return row
        before = {name: row[name] for name in changed}
        mine = set(changed) & set(gate.fields)
        edited = {*row["edited"], *mine} if told is None else {*row["edited"]} - mine
        _write(cursor, gate, row, ItemState.WAITING, {**changed, **(told or {}), "edited": sorted(edited)})
        verdict = "edited" if told is None else "generated"
        _remember(row, gate, verdict, who, at, before=before, decision_id=decision_id)
    return _row(gate, item)


def _decide(
    table: str, item: int, verdict: str, state: ItemState, *, who: str, at: datetime, reason: str = "",
    revision: int | None = None, decision_id: str | None = None, seen: str | None = None,
) -> Mapping[str, Any]:  # fmt: skip
    gate = gate_of(table)
    with write("review.decide") as cursor:
        if _decided_before(gate, item, decision_id):
            return _row(gate, item)
        row = _locked_row(gate, item, revision)
        if row["state"] == state:
            return row
        extra = _effects_of(gate, row, state, seen)
        _write(cursor, gate, row, state, extra)
        _remember(row, gate, verdict, who, at, reason=reason, decision_id=decision_id)
    return _row(gate, item)


def _decided_before(gate: Gate, item: int, decision_id: str | None) -> bool:
    """Whether this very decision was taken already. Raises UsageError when its id is another item's."""
    one = Decision.objects.filter(decision_id=decision_id).first() if decision_id else None
    if one is not None and (one.table, one.item) != (gate.table, item):
        raise UsageError(f"item {item}: this decision id was used for another item; ask again with a new one")
    return one is not None


def _effects_of(gate: Gate, row: Mapping[str, Any], state: ItemState, seen: str | None) -> dict[str, Any]:
    """Check that this decision may be taken; answer what else it writes."""
    if row["stage"] != gate.stage or row["state"] == ItemState.DONE:
        raise Refused(f"item {row['id']} is {_word(row)}; it cannot be decided now")
    check_move(ItemState(row["state"]), state)
    if state is ItemState.APPROVED:
        missing = gate.ready(row) or gate.opened(row)
        if missing:
            raise Refused(f"item {row['id']} cannot be approved: {missing}")
        if seen is not None and seen != fingerprint(gate, row):
            raise Refused(f"item {row['id']} changed since it was shown; look at it again", code="changed")
    if state is ItemState.REJECTED:
        gate.released(row)
    if row["state"] == ItemState.REJECTED:
        return gate.retaken(row)
    return {}


def _write(cursor: Any, gate: Gate, row: Mapping[str, Any], state: ItemState, extra: Mapping[str, Any]) -> None:
    words = gate.words(gate.table, row["stage"], state)
    values = {**words, **extra, "state": state.value, "revision": row["revision"] + 1}
    guard = f"revision={int(row['revision'])} AND batch IS NULL"
    if rows.update_where(cursor, gate.table, [row["id"]], values, guard) != 1:
        raise Refused(f"item {row['id']} was changed by somebody else meanwhile; look at it again", code="changed")
    tally = Tally()
    tally.move(row["run"], gate.table, (row["stage"], row["state"]), (row["stage"], state.value))
    tally.write(cursor, row["site_id"])


def _remember(row: Mapping[str, Any], gate: Gate, verdict: str, who: str, at: datetime, **more: Any) -> None:
    now = rows.read(gate.table, [row["id"]])[0]
    print_ = fingerprint(gate, now)
    Decision.objects.create(
        site_id=row["site_id"],
        table=gate.table,
        item=row["id"],
        verdict=verdict,
        fingerprint=print_,
        who=who,
        at=at,
        **more,
    )
    old, new = f"{row['stage']}/{row['state']}", f"{now['stage']}/{now['state']}"
    line = f"id={row['id']} {verdict} by {who}" + (f": {more['reason']}" if more.get("reason") else "")
    events.record(
        at, "decision", site=row["site_id"], run=row["run"], stage=row["stage"], who=who,
        moves=[(gate.table, row["id"], old, new)], data={"verdict": verdict}, lines=[("INFO", line)],
    )  # fmt: skip


def _locked_row(gate: Gate, item: int, revision: int | None) -> Mapping[str, Any]:
    row = _row(gate, item)
    if revision is not None and row["revision"] != revision:
        raise Refused(f"item {item} was changed by somebody else meanwhile; look at it again", code="changed")
    for reason in (*(why(item) for why in gate.locked), *(why(gate.table, item) for why in LOCKS)):
        if reason:
            raise Refused(f"item {item}: {reason}")
    return row


def _row(gate: Gate, item: int) -> Mapping[str, Any]:
    found = rows.read(gate.table, [item])
    if not found:
        raise NotFound(f"there is no item {item}")
    return found[0]


def _word(row: Mapping[str, Any]) -> str:
    return str(row.get("Review_Status") or row["state"]).lower()
