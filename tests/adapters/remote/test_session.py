from __future__ import annotations

import pytest

from penstock.adapters.remote import session as sessions
from penstock.adapters.remote.session import STALE, WAITS, Session, kept
from penstock.adapters.remote.wire import Lost, Unreached
from penstock.engine.clock import VirtualClock
from penstock.engine.errors import Unavailable


class Line:
    """A wire of which only its life matters here."""

    root = "/"

    def __init__(self, alive: bool = True) -> None:
        self.alive, self.pings, self.closed = alive, 0, False

    def ping(self) -> None:
        self.pings += 1
        if not self.alive:
            raise Lost("gone")

    def close(self) -> None:
        self.closed = True


class Desk:
    """A session whose wires, waits and time are written down."""

    def __init__(self) -> None:
        self.clock, self.waits, self.lines = VirtualClock(), [], []
        self.session = Session("there", self._connect, clock=self.clock, wait=self.waits.append)

    def _connect(self) -> Line:
        self.lines.append(Line())
        return self.lines[-1]


def test_one_wire_serves_all_and_is_asked_only_after_a_pause() -> None:
    desk = Desk()
    assert [desk.session.steady(lambda wire: wire) for _ in range(3)] == [desk.lines[0]] * 3
    assert desk.lines[0].pings == 0
    desk.clock.advance(STALE + 1)
    desk.session.steady(lambda wire: None)
    assert (desk.lines[0].pings, len(desk.lines)) == (1, 1)


def test_a_wire_that_died_during_a_pause_is_replaced_without_a_word() -> None:
    desk = Desk()
    desk.session.steady(lambda wire: None)
    desk.lines[0].alive = False
    desk.clock.advance(STALE + 1)
    assert desk.session.steady(lambda wire: wire) is desk.lines[1]
    assert desk.lines[0].closed
    assert desk.waits == []


def test_a_loss_is_tried_again_on_a_new_wire_and_then_given_up() -> None:
    desk, tries = Desk(), []

    def fail(_wire: object) -> None:
        tries.append(1)
        raise Lost("cut")

    with pytest.raises(Unavailable, match="there: cut"):
        desk.session.steady(fail)
    assert len(tries) == len(WAITS) + 1
    assert desk.waits == list(WAITS)
    assert all(line.closed for line in desk.lines)


def test_a_server_that_nobody_ever_reached_is_given_up_at_once() -> None:
    waits: list[float] = []

    def nobody() -> Line:
        raise Unreached("nobody answers")

    with pytest.raises(Unavailable, match="there: nobody answers"):
        Session("there", nobody, wait=waits.append).steady(lambda wire: wire)
    assert waits == []


def test_a_session_is_kept_per_key_and_ended_with_all() -> None:
    desk = Desk()
    assert kept("a", lambda: desk.session) is kept("a", lambda: Desk().session)
    desk.session.steady(lambda wire: None)
    sessions.close_all()
    assert desk.lines[0].closed
