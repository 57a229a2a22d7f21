"""Schedules: every due slot is started once, or recorded as skipped with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import cast
from zoneinfo import ZoneInfo

from django.db import IntegrityError
from django.db.models import QuerySet

from penstock.accounts.models import Site
from penstock.engine.clock import Clock
from penstock.engine.errors import PenstockError, UsageError
from penstock.engine.ids import Ids
from penstock.ledger import adoption, control, slots
from penstock.ledger.models import Run, Schedule, Slot
from penstock.ledger.tx import commits, write

commits("schedule.slot", "schedule.skip")

FREQUENCIES = ("daily", "weekly", "monthly")
STARTED, SKIPPED = "started", "skipped"


def check(clock: Clock, ids: Ids) -> list[Slot]:
    """Look at every schedule that is due, and answer what became of its slots. May be called by many at once."""
    found: list[Slot] = []
    for due in list(waiting(clock.wall())):
        found += _handle(due, clock, ids)
    return found


def waiting(now: datetime) -> QuerySet[Schedule]:
    """Schedules with a slot that nobody has looked at yet."""
    return Schedule.objects.select_related("site").filter(next_run_at__lte=now).order_by("next_run_at", "id")


def _handle(due: Schedule, clock: Clock, ids: Ids) -> list[Slot]:
    try:
        with write("schedule.slot"):
            settled, run = _settle(due, clock, ids)
    except (PenstockError, IntegrityError) as error:
        return _skip(due, clock.wall(), _reason(due.site, error))
    if run is not None:
        adoption.go_on(run, clock)
    return settled


def _settle(due: Schedule, clock: Clock, ids: Ids) -> tuple[list[Slot], Run | None]:
    """In one transaction with the run that it starts: a slot is never started twice nor lost."""
    now = clock.wall()
    listed = _take(due, now)
    if not listed:
        return [], None
    settled = _record(due.site, listed[:-1], slots.MISSED, now)
    slot, active = listed[-1], Run.objects.filter(active_key=f"{due.site_id}:run").values_list("id", flat=True).first()
    why = slots.refusal(slot, enabled=due.enabled, active=active or "", last=due.last_slot)
    if why:
        return settled + _record(due.site, [slot], why, now), None
    run = control.begin(due.site, clock, ids, trigger="scheduled", who="the schedule")
    Schedule.objects.filter(pk=due.pk).update(last_slot=slot, last_run_at=now)
    made = Slot.objects.create(site=due.site, due_at=slot, outcome=STARTED, run=run.id, at=now)
    return [*settled, made], run


def _skip(due: Schedule, now: datetime, reason: str) -> list[Slot]:
    """The run could not be started: that is told, and the next slot is waited for."""
    with write("schedule.skip"):
        listed = _take(due, now)
        missed = _record(due.site, listed[:-1], slots.MISSED, now)
        return missed + _record(due.site, listed[-1:], reason, now)


def _take(due: Schedule, now: datetime) -> list[datetime]:
    """The slots that are due, for who comes first; the schedule waits for the one after them."""
    first = due.next_run_at
    if first is None or first > now:
        return []
    rule = rule_of(due)
    following = slots.next_slot(rule, now) if due.enabled else None
    mine = Schedule.objects.filter(pk=due.pk, next_run_at=first, enabled=due.enabled)
    return slots.due_slots(rule, first, now) if mine.update(next_run_at=following) == 1 else []


def _record(site: Site, listed: Sequence[datetime], reason: str, now: datetime) -> list[Slot]:
    rows = [Slot(site=site, due_at=slot, outcome=SKIPPED, reason=reason[:300], at=now) for slot in listed]
    return Slot.objects.bulk_create(rows)


def _reason(site: Site, error: Exception) -> str:
    if isinstance(error, PenstockError):
        return str(error)
    other = Run.objects.filter(active_key=f"{site.pk}:run").values_list("id", flat=True).first()
    return f"run {other or 'of somebody else'} is active"


def of(site: Site) -> Schedule:
    """The site's schedule; one that is off when it has none yet (it is not stored before it is changed)."""
    return Schedule.objects.select_related("site").filter(site=site).first() or Schedule(site=site)


def change(
    site: Site,
    now: datetime,
    *,
    enabled: bool | None = None,
    frequency: str | None = None,
    at: str | None = None,
) -> Schedule:
    """Change what is given, in the caller's transaction, and reckon the next slot anew (after a change of the site's
    time zone, too). Slots that were due and not yet looked at are recorded as skipped.

    Raises UsageError naming the field."""
    one = of(site)
    one.enabled = one.enabled if enabled is None else enabled
    one.frequency = _checked_frequency(one.frequency if frequency is None else frequency)
    one.time = checked_time(one.time if at is None else at).strftime("%H:%M")
    if one.enabled and one.anchor is None:
        one.anchor = now.astimezone(ZoneInfo(site.timezone)).date()
    if one.next_run_at is not None and one.next_run_at <= now:
        passed = slots.due_slots(rule_of(one), one.next_run_at, now)
        _record(site, passed, slots.CHANGED if one.enabled else "the schedule is disabled", now)
    one.next_run_at = slots.next_slot(rule_of(one), now) if one.enabled else None
    one.save()
    return one


def rule_of(one: Schedule) -> slots.Rule:
    """What the schedule says, in its site's time zone."""
    frequency = cast(slots.Frequency, one.frequency)
    return slots.Rule(frequency, checked_time(one.time), ZoneInfo(one.site.timezone), one.anchor or date(2000, 1, 1))


def _checked_frequency(word: str) -> str:
    if word not in FREQUENCIES:
        raise UsageError(f"frequency: {word[:20]!r} is none of {', '.join(FREQUENCIES)}", facts={"field": "frequency"})
    return word


def checked_time(text: str) -> time:
    """HH:MM. Raises UsageError."""
    hour, colon, minute = text.partition(":")
    plain = len(text) == 5 and colon and all(c in "0123456789" for c in hour + minute)
    if not plain or int(hour) > 23 or int(minute) > 59:
        raise UsageError(
            f"scheduled_time: {text[:20]!r} is no time of day; write it as HH:MM", facts={"field": "scheduled_time"}
        )
    return time(int(hour), int(minute), tzinfo=None)


def local(at: datetime | None, site: Site) -> datetime | None:
    """A moment in the site's time zone."""
    return at.astimezone(ZoneInfo(site.timezone)) if at else None
