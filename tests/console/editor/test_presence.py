from __future__ import annotations

from datetime import UTC, datetime

from penstock.console.editor.presence import PATIENCE, Presence


class Hand:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return datetime(2026, 11, 25, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_whoever_came_first_holds_the_row_until_it_is_taken_over() -> None:
    clock = Hand()
    desk = Presence(clock)
    desk.look(1, "first", "ann", 7)
    clock.now += 1
    desk.look(1, "second", "bob", 7)
    assert desk.others(1, "second") == [{"item": 7, "who": "ann", "first": True}]
    assert desk.others(1, "first") == [{"item": 7, "who": "bob", "first": False}]
    desk.look(1, "second", "bob", 7, take_over=True)
    assert desk.others(1, "first")[0]["first"] is True
    assert desk.others(1, "second")[0]["first"] is False
    clock.now += 1
    desk.look(1, "second", "bob", 7)
    assert desk.others(1, "second")[0]["first"] is False


def test_a_window_that_is_not_heard_of_any_more_is_gone_and_sites_are_apart() -> None:
    clock = Hand()
    desk = Presence(clock)
    desk.look(1, "first", "ann", 7)
    desk.look(2, "third", "eve", 7)
    assert desk.others(1, "second") == [{"item": 7, "who": "ann", "first": True}]
    clock.now += PATIENCE + 1
    assert desk.others(1, "second") == []
