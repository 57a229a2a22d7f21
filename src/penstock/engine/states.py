"""The states of items and runs, the named sets that partition them, and the table of legal moves."""

from __future__ import annotations

from enum import StrEnum

from penstock.engine.errors import IllegalMove


class ItemState(StrEnum):
    """Where an item stands within its stage. Truth is the pair (stage, state)."""

    READY = "ready"  # may be claimed when its time has come and no child is open
    LEASED = "leased"  # held by a batch
    WAITING = "waiting"  # at a gate, for a person
    APPROVED = "approved"  # a person said yes to exactly what was seen
    REJECTED = "rejected"  # a person said no
    DONE = "done"  # through the last stage
    FAILED = "failed"  # its own fault, tries spent or permanent
    QUARANTINED = "quarantined"  # it killed its workers


ACTIVE = frozenset({ItemState.READY, ItemState.LEASED})
GATED = frozenset({ItemState.WAITING, ItemState.APPROVED, ItemState.REJECTED})
BROKEN = frozenset({ItemState.FAILED, ItemState.QUARANTINED})
SETTLED = frozenset({ItemState.DONE})


class RunState(StrEnum):
    """The words that the API shows for a run."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"


OPEN_RUN = frozenset({RunState.RUNNING, RunState.PAUSED})
TERMINAL_RUN = frozenset({RunState.CANCELLED, RunState.COMPLETED, RunState.FAILED})

_S = ItemState
MOVES: dict[ItemState, frozenset[ItemState]] = {
    _S.READY: frozenset({_S.LEASED, _S.FAILED}),
    _S.LEASED: frozenset({_S.READY, _S.WAITING, _S.DONE, _S.FAILED, _S.QUARANTINED}),
    _S.WAITING: frozenset({_S.READY, _S.APPROVED, _S.REJECTED, _S.FAILED}),
    _S.APPROVED: frozenset({_S.READY, _S.WAITING, _S.DONE, _S.FAILED}),
    _S.REJECTED: frozenset({_S.READY, _S.WAITING}),
    _S.DONE: frozenset({_S.WAITING}),
    _S.FAILED: frozenset({_S.READY}),
    _S.QUARANTINED: frozenset({_S.READY}),
}

RUN_MOVES: dict[RunState, frozenset[RunState]] = {
    RunState.RUNNING: frozenset({RunState.PAUSED, *TERMINAL_RUN}),
    RunState.PAUSED: frozenset({RunState.RUNNING, *TERMINAL_RUN}),
    **{state: frozenset() for state in TERMINAL_RUN},
}


def check_move(old: ItemState, new: ItemState) -> None:
    """Raise IllegalMove unless an item may go from `old` to `new`."""
    if new not in MOVES[old]:
        raise IllegalMove(f"an item may not go from {old} to {new}")


def check_run_move(old: RunState, new: RunState) -> None:
    """Raise IllegalMove unless a run may go from `old` to `new`."""
    if new not in RUN_MOVES[old]:
        raise IllegalMove(f"a run may not go from {old} to {new}")
