from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock.accounts.models import Site
from penstock.ledger import schedule
from penstock.ledger.models import Slot
from penstock.oracle import examine

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def on(scene: Any) -> Site:
    site = Site.objects.get()
    schedule.change(site, AT, enabled=True)
    Slot.objects.create(site=site, due_at=AT - timedelta(days=1), outcome="skipped", reason="x", at=AT)
    return site


def told() -> set[str]:
    return {one.invariant for one in examine()}


def test_a_schedule_that_waits_for_its_next_slot_is_good_news(scene: Any) -> None:
    on(scene)
    assert told() == set()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE ledger_slot SET reason=''",
        "UPDATE ledger_slot SET outcome='started'",
        "UPDATE ledger_slot SET outcome='lost'",
        "UPDATE ledger_schedule SET next_run_at=NULL",
        "UPDATE ledger_schedule SET next_run_at=(SELECT due_at FROM ledger_slot)",
    ],
)
def test_a_slot_or_a_schedule_that_lost_its_word_is_told(scene: Any, damage: str) -> None:
    on(scene)
    scene.sql(damage)
    assert told() == {"I15"}


def test_two_slots_of_one_run_are_told(scene: Any) -> None:
    site = on(scene)
    for days in (2, 3):
        Slot.objects.create(site=site, due_at=AT - timedelta(days=days), outcome="started", run="r", at=AT)
    assert told() == {"I15"}
