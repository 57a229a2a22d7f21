"""States partition, and only legal moves pass."""

from __future__ import annotations

import pytest

from penstock.engine import states
from penstock.engine.errors import IllegalMove
from penstock.engine.states import ItemState, RunState


def test_the_named_sets_partition_the_item_states() -> None:
    parts = [states.ACTIVE, states.GATED, states.BROKEN, states.SETTLED]
    assert sorted(s for part in parts for s in part) == sorted(ItemState)


def test_the_named_sets_partition_the_run_states() -> None:
    assert set(RunState) == states.OPEN_RUN | states.TERMINAL_RUN
    assert not states.OPEN_RUN & states.TERMINAL_RUN


def test_every_state_has_its_row_in_the_table_of_moves() -> None:
    assert set(states.MOVES) == set(ItemState)
    assert set(states.RUN_MOVES) == set(RunState)


def test_nothing_is_approved_but_what_waited_for_a_person() -> None:
    assert [old for old, to in states.MOVES.items() if ItemState.APPROVED in to] == [ItemState.WAITING]


def test_a_terminal_run_never_reopens() -> None:
    for state in states.TERMINAL_RUN:
        with pytest.raises(IllegalMove):
            states.check_run_move(state, RunState.RUNNING)


def test_an_illegal_move_of_an_item_is_refused_in_words() -> None:
    with pytest.raises(IllegalMove, match="from ready to approved"):
        states.check_move(ItemState.READY, ItemState.APPROVED)
    states.check_move(ItemState.WAITING, ItemState.REJECTED)
    states.check_run_move(RunState.RUNNING, RunState.PAUSED)
