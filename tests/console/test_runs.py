from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from penstock.ledger import events, retention
from penstock.ledger.models import Run, StageRun
from tests.console.rows import photo, signed_in, site

AT = datetime(2026, 11, 25, 9, 15, tzinfo=UTC)
ID = "20261125-091500-k3f9"


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def read(address: str = f"/runs/{ID}") -> str:
    return signed_in().get(address).content.decode()


def run_of(owner: Any, **fields: Any) -> Run:
    values = {"pipeline": "photos", "status": "completed", "started_at": AT, "completed_at": AT, "plan": {}}
    made = Run.objects.create(id=ID, site=owner, **{**values, **fields})
    for number, name, title in ((5, "score", "AI quality scoring"), (8, "review", "Open review editor")):
        StageRun.objects.create(
            run=made, number=number, name=name, title=title, table="photo", passed=7, retries=3, batches=2,
            seconds=65.0, started_at=AT, ended_at=AT + timedelta(seconds=90), cpu_percent=150.0 * (number == 5),
            rss_mb=512.0,
        )  # fmt: skip
    return made


def broken(run: Run, **fields: Any) -> Any:
    """A failed photo of the run, counted."""
    made = photo(run.site, stage="score", state="failed", run=run.id, error="no light", error_code="dark", **fields)
    StageRun.objects.filter(run=run, name="score").update(failed=1)
    return made


def test_each_stage_tells_its_counts_retries_batches_and_durations(ledger_home: Path) -> None:
    run_of(site())
    assert "5 AI quality scoring 7 0 0 0 3 2 1 min 30 s 1 min 5 s" in words(read())


def test_peaks_and_the_timeline_are_plots_with_their_sentence_and_no_script(ledger_home: Path) -> None:
    run_of(site())
    text = read()
    assert 'aria-label="Processor at its busiest: the most is 150 %, at stage 5."' in text
    assert 'aria-label="Memory at its largest: the most is 512 MiB, at stage 5."' in text
    assert 'aria-label="When each stage was at work: 2 stages in 1 min 30 s."' in text
    assert "style=" not in text


def test_the_first_failing_row_and_the_first_error_are_one_click_away(ledger_home: Path) -> None:
    run = run_of(site())
    made = broken(run)
    text = read()
    assert f'href="/sites/rome/review/{made.pk}"' in text
    assert f'href="/runs/{ID}/log?first=1#first-error"' in text
    assert "1 at score: no light" in words(text)


def test_what_failed_is_retried_and_the_new_run_is_shown(ledger_home: Path) -> None:
    run = run_of(site())
    broken(run)
    answer = signed_in().post(f"/runs/{ID}/act", {"verb": "retry"})
    made = Run.objects.get(retry_of=ID)
    assert answer.headers["Location"] == f"/runs/{made.id}"


def test_what_failed_is_sent_back_to_a_chosen_stage(ledger_home: Path) -> None:
    run = run_of(site())
    made = broken(run)
    signed_in().post(f"/runs/{ID}/act", {"verb": "retry", "stage": "3"})
    made.refresh_from_db()
    assert made.stage == "read_exif"


@pytest.mark.parametrize("stage", ["99", "x", "-1"])
def test_a_stage_that_is_not_there_changes_nothing(ledger_home: Path, stage: str) -> None:
    run = run_of(site())
    broken(run)
    answer = signed_in().post(f"/runs/{ID}/act", {"verb": "retry", "stage": stage})
    assert answer.status_code == 409
    assert "no stage" in answer.content.decode()
    assert Run.objects.count() == 1


def test_a_refusal_is_told_on_the_page(ledger_home: Path) -> None:
    run_of(site())
    for verb, told in (("retry", "no failed or quarantined items"), ("pause", "only a running run"), ("x", "no verb")):
        answer = signed_in().post(f"/runs/{ID}/act", {"verb": verb})
        assert answer.status_code == 409
        assert told in answer.content.decode()


def test_a_failed_run_is_marked_as_resolved(ledger_home: Path) -> None:
    run = run_of(site(), status="failed", recorded=True)
    assert retention.needed(run)
    signed_in().post(f"/runs/{ID}/act", {"verb": "resolve"})
    assert retention.needed(run) == ""


def test_every_action_names_its_command_and_its_call(ledger_home: Path) -> None:
    owner = site()
    run_of(owner)
    text = words(read())
    for command in ("pause", "resume", "cancel", "retry", "rollback", "logs", "verify", "incident"):
        assert f"penstock {command} {ID}" in text
    assert f"POST /api/v1/automation/rollback?site_id={owner.pk}&amp;run_id={ID}" in text


def logged(run: Run) -> None:
    for n in range(30):
        level = "ERROR" if n in (25, 27) else "WARN" if n == 5 else "INFO"
        events.record(AT, "settle", site=run.site_id, run=run.id, stage="score", lines=[(level, f"id={n} line {n}.")])


@pytest.mark.parametrize(
    ("query", "there", "not_there"),
    [
        ("", ["line 0.", "line 29."], []),
        ("?level=ERROR", ["line 25.", "line 27."], ["line 5.", "line 26."]),
        ("?level=WARN", ["line 5.", "line 25."], ["line 6."]),
        ("?item=2", ["line 2."], ["line 25.", "line 12."]),
        ("?item=LINE+7", ["line 7."], ["line 8."]),
        ("?level=ERROR&item=27", ["line 27."], ["line 25."]),
        ("?first=1", ["line 5.", "line 25.", "line 29."], ["line 4."]),
    ],
)
def test_the_log_is_filtered_by_level_and_item_and_from_its_first_error(
    ledger_home: Path, query: str, there: list[str], not_there: list[str]
) -> None:
    logged(run_of(site()))
    text = read(f"/runs/{ID}/log{query}")
    assert [one for one in there if one not in text] == []
    assert [one for one in not_there if one in text] == []
    assert ('id="first-error">' in text) == ("first" in query)


def test_a_log_without_such_lines_says_so(ledger_home: Path) -> None:
    run_of(site())
    assert "Nothing was logged yet" in read(f"/runs/{ID}/log")
    assert "There is no error in this log" in read(f"/runs/{ID}/log?first=1")
    assert "No line is like that" in read(f"/runs/{ID}/log?item=nothing")


def test_the_log_is_saved_whole_from_its_file_or_from_the_events(ledger_home: Path) -> None:
    from penstock.ledger import runlog

    run = run_of(site())
    logged(run)
    for _ in range(2):
        answer = signed_in().get(f"/runs/{ID}/log?download=1")
        text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
        answer.close()
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{ID}.log"'
        assert text.count("\n") == 30
        runlog.render(run)


def test_the_incident_bundle_is_a_zip_with_the_first_error(ledger_home: Path) -> None:
    run = run_of(site())
    logged(run)
    answer = signed_in().get(f"/runs/{ID}/incident")
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert "first_error.json" in names
    assert f"logs/runs/{ID}.log" in names


def test_the_result_of_a_run_is_checked_point_by_point(ledger_home: Path) -> None:
    run = run_of(site())
    logged(run)
    text = words(read(f"/runs/{ID}/check"))
    assert "log ✗ fail 2 errors, 1 warnings" in text
    assert f"penstock verify {ID}" in text
