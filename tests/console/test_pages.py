from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from penstock.accounts.models import Site
from penstock.ledger import events
from penstock.ledger.models import Run, StageRun
from tests.console.rows import photo, signed_in, site

AT = datetime(2026, 11, 21, 9, 15, tzinfo=UTC)


def run_of(owner: Site, **fields: Any) -> Run:
    values = {"id": "20261121-101502-k3f9", "pipeline": "photos", "status": "completed", "started_at": AT}
    made = Run.objects.create(site=owner, **{**values, **fields})
    StageRun.objects.create(run=made, number=5, name="score", title="AI quality scoring", table="photo", passed=7)
    return made


def text_of(address: str) -> str:
    return signed_in().get(address).content.decode()


def test_a_home_without_sites_says_how_to_begin(ledger_home: Path) -> None:
    text = text_of("/")
    assert "There is no site yet" in text
    assert "<span>penstock</span> <span>demo</span>" in text


def words(address: str) -> str:
    """The page without its tags."""
    import re

    return " ".join(re.sub(r"<[^>]+>", " ", text_of(address)).split())


def test_a_site_leads_through_its_steps(ledger_home: Path) -> None:
    owner = site()
    assert "Add photos or penstock photos add FOLDER --site rome" in words("/")
    photo(owner, stage="score", state="ready")
    assert "Photos are waiting for a run or penstock run rome" in words("/")
    run = run_of(owner, status="running")
    assert "A run is at work." in words("/")
    Run.objects.update(status="paused")
    assert f"penstock resume {run.id}" in words("/")
    Run.objects.update(status="completed")
    photo(owner, state="approved")
    assert "Publish what is approved or penstock publish rome" in words("/")
    photo(owner)
    assert "Review what is waiting." in words("/")


def test_a_site_shows_its_counts(ledger_home: Path) -> None:
    owner = site()
    photo(owner)
    photo(owner)
    photo(owner, state="approved")
    photo(owner, stage="score", state="failed")
    assert "To review 2 Approved 1 Published 0 Failed 1" in words("/")


def test_runs_are_listed_in_the_sites_own_time(ledger_home: Path) -> None:
    run_of(site(timezone="Europe/Amsterdam"), error_message="the model server does not answer", status="failed")
    text = words("/sites/rome/runs")
    assert "21 Nov 2026, 10:15" in text
    assert "the model server does not answer" in text


def test_a_site_without_runs_says_how_to_start_one(ledger_home: Path) -> None:
    site()
    assert "penstock run rome" in words("/sites/rome/runs")


def test_a_run_shows_its_stages_why_items_failed_and_the_end_of_its_log(ledger_home: Path) -> None:
    owner = site()
    run = run_of(owner)
    photo(owner, stage="score", state="failed", run=run.id, error="the file is cut off", error_code="truncated")
    events.record(AT, "settle", site=owner.pk, run=run.id, stage="score", lines=[("INFO", "id=1 <b>scored</b>")])
    text = words(f"/runs/{run.id}")
    assert "5 AI quality scoring 7 0 1 0" in text
    assert "1 at score: the file is cut off (truncated" in text
    assert f"penstock retry {run.id}" in text
    assert "id=1 &lt;b&gt;scored&lt;/b&gt;" in text


def test_only_a_run_that_moves_asks_again(ledger_home: Path) -> None:
    run = run_of(site(), status="running")
    assert 'hx-trigger="every 5s"' in text_of(f"/runs/{run.id}")
    part = signed_in().get(f"/runs/{run.id}", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="now"')
    Run.objects.update(status="completed")
    assert "hx-trigger" not in text_of(f"/runs/{run.id}")


def test_the_log_is_cut_to_its_end(ledger_home: Path) -> None:
    from penstock.ledger import runlog

    run = run_of(site())
    file = runlog.run_file(run)
    file.parent.mkdir(parents=True)
    file.write_text("".join(f"line {n} {'x' * 100}\n" for n in range(2000)))
    text = text_of(f"/runs/{run.id}")
    assert "line 1999 " in text
    assert "line 1700 " not in text


@pytest.mark.parametrize("address", ["/runs/none", "/sites/none/runs", "/sites/none/review"])
def test_what_is_not_there_is_a_page_that_says_so(ledger_home: Path, address: str) -> None:
    answer = signed_in().get(address)
    assert answer.status_code == 404
    assert "here is no" in answer.content.decode()


@pytest.mark.parametrize("address", ["/", "/sites/rome/review", "/sites/rome/runs"])
def test_looking_changes_nothing(ledger_home: Path, address: str) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    photo(site())
    client = signed_in()
    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    assert [one["sql"] for one in asked if not one["sql"].startswith("SELECT")] == []
    assert client.post(address).status_code == 405
