from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock.accounts import credits
from penstock.accounts.access import Caller
from penstock.accounts.credits import Purpose
from penstock.engine.clock import VirtualClock
from penstock.ledger.models import StageRun
from penstock.records import RESULTS, automation

AT = datetime(2026, 1, 1, tzinfo=UTC)


def stage(run: Any, number: int, **values: Any) -> None:
    StageRun.objects.filter(run=run, number=number).update(**values)


def test_a_stage_has_no_result_before_it_starts_and_what_is_left_makes_it_partial(run: Any) -> None:
    stage(run, 1, started_at=AT, ended_at=AT + timedelta(seconds=90), batches=3, failed=2, ready=1)
    facts = automation.run_facts(run, VirtualClock())
    assert facts["stage_2_result"] is None
    assert facts["stage_1_result"] == {
        "batches_run": 3, "credits_used": 0.0, "time_elapsed": 90.0, "skipped": False, "skip_reason": "",
        "partial": True, "failed": 2, "quarantined": 0,
    }  # fmt: skip
    assert facts["current_stage"] == 1


def test_a_stage_that_was_skipped_says_why_though_it_never_started(run: Any) -> None:
    stage(run, 3, result={"skipped": True, "skip_reason": "fewer than five keywords"})
    result = automation.run_facts(run, VirtualClock())["stage_3_result"]
    assert (result["skipped"], result["skip_reason"]) == (True, "fewer than five keywords")


def test_credits_are_told_per_stage_and_for_the_run(run: Any) -> None:
    stage(run, 7, started_at=AT)
    credits.grant(Caller("root"), AT, run.site.account, 5000, "g")
    for item, cost in (("1", 1500), ("2", 250)):
        purpose = Purpose(run.id, "caption", item)
        credits.reserve(AT, run.site.account_id, 2000, purpose)
        credits.settle(AT, purpose, cost)
    facts = automation.run_facts(run, VirtualClock())
    assert facts["total_credits_used"] == facts["stage_7_result"]["credits_used"] == 1.75
    assert automation.history(run.site, VirtualClock())[0]["total_credits_used"] == 1.75


def test_a_pipeline_adds_its_own_words_to_a_result(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RESULTS, "photos", lambda stage: {"photos_read": stage.passed})
    stage(run, 3, started_at=AT, passed=12)
    facts = automation.run_facts(run, VirtualClock())
    assert facts["stage_3_result"]["photos_read"] == 12
    assert facts["stage_4_result"] is None


def test_what_is_shown_costs_the_same_number_of_reads_for_one_run_as_for_many(run: Any, statements: Any) -> None:
    from penstock.ledger.models import Run

    one = statements(lambda: automation.history(run.site, VirtualClock()))
    for n in range(15):
        Run.objects.create(
            id=f"20260101-0000{n:02}-bbbb", site=run.site, pipeline="photos", status="completed", started_at=AT
        )
    assert statements(lambda: automation.history(run.site, VirtualClock())) == one


@pytest.fixture
def statements() -> Any:
    """How many statements a call sends."""
    from django.db import connection

    def counted(call: Any) -> int:
        seen: list[str] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            seen.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            call()
        return len(seen)

    return counted
