from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from penstock.engine.clock import VirtualClock
from penstock.engine.errors import Refused, UsageError
from penstock.engine.failpoint import SimulatedCrash, armed
from penstock.ledger import ESTIMATES, control, schedule
from penstock.ledger import models as m
from penstock.oracle import examine
from tests.conformance import plant


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def site(store: Any) -> Any:
    """A site of which the last run has ended."""
    run = store.start(plant.pipeline(), [""])
    plant.drive(store.ledger, run)
    return store.site


def on(site: Any, clock: VirtualClock, **more: Any) -> m.Schedule:
    return schedule.change(site, clock.wall(), enabled=True, **more)


def due(site: Any, clock: VirtualClock, minutes: float = 0) -> datetime:
    """Move time to the next slot."""
    slot = schedule.of(site).next_run_at
    assert slot is not None
    clock.advance((slot - clock.wall()).total_seconds() + minutes * 60)
    return slot


def slots() -> list[tuple[str, str]]:
    return [(one.outcome, one.reason) for one in m.Slot.objects.order_by("due_at")]


def end_runs(store: Any) -> None:
    for run in m.Run.objects.filter(active_key__isnull=False):
        control.cancel(run, store.clock)
        store.ledger.rest(run.id)


def test_a_slot_that_is_due_is_started_once(site: Any, store: Any, clock: VirtualClock) -> None:
    on(site, clock)
    assert schedule.check(clock, store.ids) == []
    slot = due(site, clock)
    (made,) = schedule.check(clock, store.ids)
    assert (made.due_at, made.outcome) == (slot, "started")
    run = control.find(made.run)
    assert (run.trigger, run.site_id) == ("scheduled", site.pk)
    assert schedule.check(clock, store.ids) == []
    one = schedule.of(site)
    assert (one.last_slot, one.last_run_at, one.next_run_at) == (slot, clock.wall(), slot + timedelta(days=1))
    assert examine() == []


def test_slots_that_nobody_looked_at_are_told_as_missed_and_the_newest_is_started(
    site: Any, store: Any, clock: VirtualClock
) -> None:
    on(site, clock)
    due(site, clock, minutes=3 * 1440 + 7)
    schedule.check(clock, store.ids)
    assert [outcome for outcome, _ in slots()] == ["skipped"] * 3 + ["started"]
    assert all("nothing was there" in reason for outcome, reason in slots() if outcome == "skipped")


def test_while_a_run_is_active_a_slot_is_skipped_and_says_which(site: Any, store: Any, clock: VirtualClock) -> None:
    on(site, clock)
    run = control.start(site, clock, store.ids)
    due(site, clock)
    schedule.check(clock, store.ids)
    assert slots() == [("skipped", f"run {run.id} is active")]
    assert schedule.of(site).next_run_at > clock.wall()


def test_a_schedule_that_was_moved_does_not_start_twice_within_23_hours(
    site: Any, store: Any, clock: VirtualClock
) -> None:
    on(site, clock)
    due(site, clock)
    schedule.check(clock, store.ids)
    end_runs(store)
    at = clock.wall() + timedelta(hours=5)
    schedule.change(site, clock.wall(), at=at.strftime("%H:%M"))
    due(site, clock)
    schedule.check(clock, store.ids)
    assert [outcome for outcome, _ in slots()] == ["started", "skipped"]
    assert "less than 23 hours" in slots()[-1][1]


def test_a_run_that_cannot_be_paid_is_skipped_with_the_reason(
    site: Any, store: Any, clock: VirtualClock, monkeypatch: Any
) -> None:
    monkeypatch.setitem(ESTIMATES, "plant", lambda _site: 10_000)
    on(site, clock)
    due(site, clock)
    schedule.check(clock, store.ids)
    assert [outcome for outcome, _ in slots()] == ["skipped"]
    assert "not enough credits" in slots()[0][1]
    assert m.Run.objects.filter(active_key__isnull=False).count() == 0


def test_what_is_off_has_no_slots_and_one_that_was_due_is_told(site: Any, store: Any, clock: VirtualClock) -> None:
    on(site, clock)
    due(site, clock)
    schedule.change(site, clock.wall(), enabled=False)
    assert slots() == [("skipped", "the schedule is disabled")]
    clock.advance(10 * 86400)
    assert schedule.check(clock, store.ids) == []
    assert schedule.of(site).next_run_at is None


def test_a_change_after_a_slot_was_due_tells_of_it(site: Any, store: Any, clock: VirtualClock) -> None:
    on(site, clock)
    due(site, clock)
    schedule.change(site, clock.wall(), frequency="weekly")
    assert [outcome for outcome, _ in slots()] == ["skipped"]
    assert "changed" in slots()[0][1]


def test_the_anchor_is_the_day_on_which_it_was_first_on_where_the_site_is(site: Any, clock: VirtualClock) -> None:
    site.timezone = "Pacific/Kiritimati"
    site.save()
    first = on(site, clock, frequency="monthly").anchor
    assert first == clock.wall().astimezone(ZoneInfo("Pacific/Kiritimati")).date()
    clock.advance(40 * 86400)
    schedule.change(site, clock.wall(), enabled=False)
    assert on(site, clock).anchor == first


@pytest.mark.parametrize("side", ["before_commit", "after_commit"])
def test_a_checker_that_is_killed_neither_loses_nor_repeats_a_slot(
    site: Any, store: Any, clock: VirtualClock, side: str
) -> None:
    on(site, clock)
    due(site, clock)
    with pytest.raises(SimulatedCrash), armed(f"schedule.slot.{side}=crash"):
        schedule.check(clock, store.ids)
    schedule.check(clock, store.ids)
    assert [outcome for outcome, _ in slots()] == ["started"]
    assert m.Run.objects.filter(trigger="scheduled").count() == 1
    assert [one for one in examine() if one.invariant in ("I10", "I15")] == []


def test_many_checkers_at_once_start_one_run(site: Any, store: Any, clock: VirtualClock) -> None:
    on(site, clock)
    due(site, clock)
    gate, found = threading.Barrier(6), list[Any]()

    def look() -> None:
        gate.wait()
        try:
            found.extend(schedule.check(clock, store.ids))
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.outcome for one in found] == ["started"]
    assert len(slots()) == 1


@pytest.mark.parametrize("bad", ["", "2:00", "24:00", "12:60", "ab:cd", "12:0", "12:000", "١٢:٠٠"])
def test_what_is_no_time_of_day_names_its_field(site: Any, clock: VirtualClock, bad: str) -> None:
    with pytest.raises(UsageError) as caught:
        schedule.change(site, clock.wall(), at=bad)
    assert caught.value.facts == {"field": "scheduled_time"}


def test_another_frequency_names_its_field(site: Any, clock: VirtualClock) -> None:
    with pytest.raises(UsageError, match="daily, weekly, monthly"):
        schedule.change(site, clock.wall(), frequency="hourly")


def test_asking_for_a_schedule_stores_nothing(site: Any) -> None:
    assert not schedule.of(site).enabled
    assert m.Schedule.objects.count() == 0


def test_a_start_that_nobody_can_pay_leaves_no_lock(site: Any, store: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(ESTIMATES, "plant", lambda _site: 1)
    with pytest.raises(Refused) as caught:
        control.start(site, store.clock, store.ids)
    assert caught.value.code == "insufficient_credits"
    assert m.Run.objects.filter(active_key__isnull=False).count() == 0
