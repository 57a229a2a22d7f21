"""When a schedule is due: pure calendar arithmetic in the site's time zone."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Frequency = Literal["daily", "weekly", "monthly"]
REST = timedelta(hours=23)  # slot against slot, so that the day on which the clocks change is not skipped
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


@dataclass(frozen=True)
class Rule:
    """Daily, or on the weekday or the day of the month of `anchor` (the last day where a month is shorter)."""

    frequency: Frequency
    at: time
    zone: ZoneInfo
    anchor: date

    def falls_on(self, day: date) -> bool:
        """Whether that day has a slot."""
        if self.frequency == "weekly":
            return day.weekday() == self.anchor.weekday()
        if self.frequency == "monthly":
            return day.day == min(self.anchor.day, monthrange(day.year, day.month)[1])
        return True


def next_slot(rule: Rule, after: datetime) -> datetime:
    """The first slot later than `after`, in UTC."""
    day = after.astimezone(rule.zone).date() - _DAY
    while True:
        if rule.falls_on(day) and (slot := moment(day, rule.at, rule.zone)) > after:
            return slot
        day += _DAY


def due_slots(rule: Rule, first: datetime, now: datetime) -> list[datetime]:
    """The slots from `first` (one itself) up to now, oldest first."""
    found, slot = list[datetime](), first
    while slot <= now:
        found.append(slot)
        slot = next_slot(rule, slot)
    return found


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment of a local time, in UTC: the next minute that exists for one that does not (clocks go forward), the
    first for one that exists twice (clocks go back)."""
    local = datetime.combine(day, at)
    while True:
        found = local.replace(tzinfo=zone).astimezone(UTC)
        if found.astimezone(zone).replace(tzinfo=None) == local:
            return found
        local += _MINUTE


def refusal(slot: datetime, *, enabled: bool, active: str, last: datetime | None) -> str:
    """Why a slot is not started; "" when it is. `active`: the open run of the site; `last`: the slot of the last
    scheduled run."""
    if not enabled:
        return "the schedule is disabled"
    if active:
        return f"run {active} is active"
    if last is not None and slot - last < REST:
        return f"the last scheduled run belongs to {last.isoformat(timespec='minutes')}, less than 23 hours before"
    return ""


MISSED = "nothing was there to start it in time, and a later slot is due"
CHANGED = "the schedule was changed before anything looked at this slot"
