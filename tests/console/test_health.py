from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from penstock.console import health
from penstock.ledger.models import Batch, Run
from tests.console.rows import signed_in, site

AT = datetime(2020, 1, 1, 9, 15, tzinfo=UTC)


def words(address: str = "/health") -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", signed_in().get(address).content.decode()).split())


def test_an_empty_home_says_so(ledger_home: Path) -> None:
    assert "There is no site yet" in words()
    assert "No program drives the runs of this home" in words()


def test_files_are_measured_by_folder(ledger_home: Path) -> None:
    owner = site()
    (owner.root / "logs").mkdir(exist_ok=True)
    (owner.root / "logs" / "a.log").write_text("x" * 2048)
    assert re.search(r"logs 2\.0.KB in 1", words())


def test_a_folder_with_too_many_files_is_not_counted_to_the_end(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(health, "MOST", 3)
    for n in range(5):
        (tmp_path / str(n)).write_text("1")
    assert health.measure(tmp_path) == health.Size(tmp_path.name, 3, 4, False)
    assert health.measure(tmp_path / "missing").files == 0


def test_workers_are_named_with_what_they_hold(ledger_home: Path) -> None:
    run = Run.objects.create(id="r1", site=site(), pipeline="photos", started_at=AT)
    for _ in range(2):
        Batch.objects.create(run=run, stage="score", holder="host/1/2", boot="b", until=9e9, size=3)
    assert "host/1/2 2 6 r1" in words()


@pytest.mark.parametrize(
    ("status", "told"), [("completed", "goes at the next look"), ("failed", "something in it failed")]
)
def test_runs_past_retention_are_told_with_why_they_stay(ledger_home: Path, status: str, told: str) -> None:
    owner = site()
    for n in range(25):
        Run.objects.create(
            id=f"r{n}", site=owner, pipeline="photos", status="completed", started_at=AT, completed_at=AT, recorded=True
        )
    Run.objects.filter(id="r0").update(status=status)
    assert told in words("/health?old=1")


def test_a_run_that_is_open_is_never_past_retention(ledger_home: Path) -> None:
    owner = site()
    for n in range(25):
        Run.objects.create(id=f"r{n}", site=owner, pipeline="photos", status="paused", started_at=AT)
    assert "No run is past that." in words("/health?old=1")
