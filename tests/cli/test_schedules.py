from __future__ import annotations

from pathlib import Path

import pytest

from penstock.ledger.models import Schedule
from tests.cli.calling import call


@pytest.fixture
def site(ledger_home: Path) -> str:
    assert call("site", "create", "alps", "--pipeline", "photos", "--timezone", "Europe/Rome").code == 0
    return "alps"


def test_a_schedule_is_set_and_names_its_next_slot(site: str) -> None:
    assert call("--json", "schedule", "show", site).data["enabled"] is False
    told = call("--json", "schedule", "set", site, "--on", "--frequency", "weekly", "--time", "04:30").data
    assert (told["enabled"], told["frequency"], told["time"]) == (True, "weekly", "04:30")
    assert "T04:30" in told["next_run_at"]
    assert call("--json", "schedule", "set", site, "--off").data["next_run_at"] is None


def test_a_new_time_zone_moves_the_next_slot(site: str) -> None:
    before = call("--json", "schedule", "set", site, "--on", "--time", "04:30").data["next_run_at"]
    assert call("site", "set", site, "timezone=Asia/Tokyo").code == 0
    after = call("--json", "schedule", "show", site).data["next_run_at"]
    assert after != before
    assert after.endswith("T04:30+09:00")


def test_what_is_due_is_started_by_a_look(site: str) -> None:
    call("schedule", "set", site, "--on")
    assert call("--json", "schedule", "check").data["slots"] == []
    Schedule.objects.update(next_run_at="2026-01-01T03:00:00+00:00")
    found = call("--json", "schedule", "check").data["slots"]
    assert [one["outcome"] for one in found if one["outcome"] != "skipped"] == ["started"]
    assert found[-1]["run_id"]
    assert call("--json", "schedule", "show", site).data["slots"][0]["outcome"] == "started"


@pytest.mark.parametrize("words", [("--time", "25:00"), ("--frequency", "hourly")])
def test_a_wrong_value_is_refused(site: str, words: tuple[str, str]) -> None:
    assert call("schedule", "set", site, *words).code == 2
