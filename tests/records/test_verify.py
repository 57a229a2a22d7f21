from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.ledger import events
from penstock.ledger.models import Batch, Run
from penstock.records import VERIFY
from penstock.records.check import Check
from penstock.records.verify import verify

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_points_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.records.verify.VERIFY", [])


def points(run: Any) -> dict[str, Check]:
    return {point.name: point for point in verify(run)}


def say(run: Any, level: str, text: str) -> None:
    events.record(AT, "note", site=run.site_id, run=run.id, lines=[(level, text)])


def test_a_run_without_a_word_of_warning_is_in_order(run: Any) -> None:
    say(run, "INFO", "fine")
    assert {point.state for point in verify(run)} == {"ok"}


def test_a_warning_warns_and_an_error_fails(run: Any) -> None:
    say(run, "WARN", "[QC] Duplicates found")
    assert points(run)["log"].state == "warn"
    say(run, "ERROR", "[FAIL] id=4")
    found = points(run)["log"]
    assert (found.state, "1 errors, 1 warnings" in found.detail, "[FAIL] id=4" in found.detail) == ("fail", True, True)


def test_an_open_or_failed_run_is_told(run: Any) -> None:
    run.status = "running"
    assert points(run)["run"].state == "warn"
    run.status, run.error_message = "failed", "no model"
    assert (points(run)["run"].state, points(run)["run"].detail) == ("fail", "it failed: no model")


def test_work_files_that_no_batch_holds_are_stale(run: Any) -> None:
    held = Batch.objects.create(run=Run.objects.get(id=run.id), stage="score", holder="h", boot="b", until=0, size=1)
    for name in (str(held.id), "99999", "99998", "notes"):
        (run.site.root / ".work" / name).mkdir(parents=True)
    (run.site.root / ".work" / str(held.id) / "half.jpg").touch()
    assert points(run)["stale files"].state == "ok"
    (run.site.root / ".work" / "99999" / "half.jpg").touch()
    found = points(run)["stale files"]
    assert (found.state, found.detail.startswith("1 temporary files"), found.mend) == ("warn", True, "penstock recover")


def test_upper_rooms_add_their_points_to_the_registry() -> None:
    assert isinstance(VERIFY, list)
