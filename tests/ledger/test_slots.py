from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from penstock.ledger import slots
from penstock.ledger.slots import Rule, due_slots, moment, next_slot, refusal

ZONES = ["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"]
BEGIN = date(2011, 11, 30)  # Apia skips a whole day, 30 December 2011; ten years hold every change of these zones
YEARS = 10


def rule(zone: str, frequency: str = "daily", at: str = "02:30", anchor: date = BEGIN) -> Rule:
    return Rule(frequency, time.fromisoformat(at), ZoneInfo(zone), anchor)  # type: ignore[arg-type]


def local(slot: datetime, zone: str) -> str:
    return slot.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes")


def test_a_time_that_does_not_exist_is_the_next_minute_that_does() -> None:
    found = moment(date(2026, 3, 29), time(2, 30), ZoneInfo("Europe/Amsterdam"))
    assert local(found, "Europe/Amsterdam") == "2026-03-29T03:00+02:00"
    found = moment(date(2026, 10, 4), time(2, 15), ZoneInfo("Australia/Lord_Howe"))
    assert local(found, "Australia/Lord_Howe") == "2026-10-04T02:30+11:00"


def test_a_day_that_does_not_exist_gives_the_first_minute_after_it() -> None:
    assert local(moment(date(2011, 12, 30), time(10, 0), ZoneInfo("Pacific/Apia")), "Pacific/Apia") == (
        "2011-12-31T00:00+14:00"
    )


def test_a_time_that_exists_twice_is_due_once_the_first_time() -> None:
    autumn = rule("Europe/Amsterdam")
    found = due_slots(
        autumn, next_slot(autumn, datetime(2026, 10, 24, 12, tzinfo=UTC)), datetime(2026, 10, 26, tzinfo=UTC)
    )
    assert [local(one, "Europe/Amsterdam") for one in found] == ["2026-10-25T02:30+02:00"]


def test_monthly_is_the_last_day_where_a_month_is_shorter() -> None:
    monthly = rule("UTC", "monthly", anchor=date(2026, 1, 31))
    found = due_slots(
        monthly, next_slot(monthly, datetime(2027, 12, 31, 12, tzinfo=UTC)), datetime(2028, 5, 1, tzinfo=UTC)
    )
    assert [one.date().isoformat() for one in found] == ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]


def test_weekly_is_the_weekday_on_which_it_was_first_enabled() -> None:
    weekly = rule("Asia/Kolkata", "weekly", anchor=date(2026, 11, 25))
    found = due_slots(weekly, next_slot(weekly, datetime(2026, 11, 25, tzinfo=UTC)), datetime(2027, 2, 1, tzinfo=UTC))
    assert {one.astimezone(weekly.zone).weekday() for one in found} == {2}
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(weeks=1)}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("frequency", "least", "most"), [("daily", 3651, 3654), ("weekly", 521, 522), ("monthly", 119, 121)]
)
def test_in_ten_years_every_day_that_has_a_slot_has_one_and_no_slot_comes_twice(
    zone: str, frequency: str, least: int, most: int
) -> None:
    one = rule(zone, frequency)
    begin = datetime(BEGIN.year, BEGIN.month, BEGIN.day, tzinfo=UTC)
    found = due_slots(one, next_slot(one, begin), begin.replace(year=begin.year + YEARS))
    assert least <= len(found) <= most
    assert sorted(set(found)) == found
    exact = [slot for slot in found if local(slot, zone)[11:16] == "02:30"]
    assert len(found) - len(exact) <= 2 * YEARS  # the days on which 02:30 does not exist


@pytest.mark.parametrize("zone", ZONES)
def test_in_ten_years_with_outages_each_slot_is_started_once_or_skipped_with_a_reason(zone: str) -> None:
    """The checker comes each minute, is away now and then, runs last for hours, somebody switches the schedule off."""
    chance, one = Random(zone), rule(zone)
    begin = datetime(BEGIN.year, BEGIN.month, BEGIN.day, tzinfo=UTC)
    end, slot, last, busy = begin.replace(year=begin.year + YEARS), next_slot(one, begin), None, begin
    started: list[datetime] = []
    skipped: dict[datetime, str] = {}
    while slot < end:
        away = timedelta(days=chance.choice([0] * 30 + [1, 3]), minutes=chance.randrange(2))
        now = slot + away
        *missed, newest = due_slots(one, slot, now)
        skipped |= dict.fromkeys(missed, slots.MISSED)
        active = "a-run" if now < busy else ""
        why = refusal(newest, enabled=chance.random() > 0.01, active=active, last=last)
        if why:
            skipped[newest] = why
        else:
            started.append(newest)
            last, busy = newest, now + timedelta(hours=chance.choice([1, 5, 30]))
        slot = next_slot(one, now)
    every = due_slots(one, next_slot(one, begin), end - timedelta(days=7))
    seen = sorted([*started, *skipped])
    assert seen[: len(every)] == every
    assert len(seen) == len(set(seen))
    assert all(skipped.values())
    gaps = [later - earlier for earlier, later in pairwise(started)]
    assert min(gaps) >= slots.REST
    assert len(started) > 2000


def test_the_day_on_which_clocks_go_forward_is_not_skipped() -> None:
    spring = rule("Europe/Amsterdam", at="04:00")
    last, slot = (moment(date(2026, 3, day), spring.at, spring.zone) for day in (28, 29))
    assert slot - last == timedelta(hours=23)
    assert refusal(slot, enabled=True, active="", last=last) == ""


@pytest.mark.parametrize(
    ("given", "why"),
    [({"enabled": False}, "disabled"), ({"active": "r1"}, "run r1 is active"), ({"last": 22}, "less than 23 hours")],
)
def test_what_keeps_a_slot_from_being_started_is_said(given: dict[str, object], why: str) -> None:
    slot = datetime(2026, 11, 25, 2, tzinfo=UTC)
    values: dict[str, object] = {"enabled": True, "active": "", "last": None, **given}
    if values["last"]:
        values["last"] = slot - timedelta(hours=22)
    assert why in refusal(slot, **values)  # type: ignore[arg-type]
