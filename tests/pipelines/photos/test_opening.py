"""Stage 8: the QC report of a run, and the rows that open for review."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from penstock.engine.outcome import Done
from penstock.ledger.models import Run
from penstock.pipelines.photos import opening
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")


def at_the_gate(run: Run, number: int, **fields: Any) -> int:
    """A photo of the run at stage 8; answers its id."""
    return rows.waiting(run.site, number, run=run.id, state="leased", **fields).id


def last_report(run: Run) -> Any:
    """What people find."""
    return json.loads(opening.report_path(run).read_text(encoding="utf-8"))


def test_rows_get_their_flags_beside_those_they_have_and_the_report_is_there() -> None:
    run = rows.run(rows.site())
    one = at_the_gate(run, 1, flags=["cues_disagree"], Caption="Too short.")
    two = at_the_gate(run, 2)
    outcomes = opening.work(opening.load(rows.context(run), [one, two]))
    first, second = (outcome.fields for outcome in outcomes if isinstance(outcome, Done))
    assert {"cues_disagree", "caption_too_short"} <= set(first["flags"])
    assert "cues_disagree" not in second["flags"]
    report = last_report(run)
    assert (report["run_id"], report["summary"]["row_count"]) == (run.id, 2)
    assert opening.own_copy(run).read_bytes() == opening.report_path(run).read_bytes()


def test_the_report_is_told_once_in_the_logs_words() -> None:
    run = rows.run(rows.site())
    ids = [at_the_gate(run, n) for n in (1, 2)]
    first, second = opening.work(opening.load(rows.context(run), ids))
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert first.notes[-1].text == f"[QC] Report written: {opening.report_path(run)}"
    assert second.notes == ()


def test_a_later_look_covers_the_whole_run_and_settles_its_own_rows() -> None:
    run = rows.run(rows.site())
    rows.waiting(run.site, 1, run=run.id)
    two = at_the_gate(run, 2)
    assert [item["id"] for item in opening.load(rows.context(run), [two])] == [two]
    assert last_report(run)["summary"]["row_count"] == 2


def test_pictures_that_look_alike_share_a_group_number() -> None:
    run = rows.run(rows.site())
    ids = [at_the_gate(run, n, phash=phash) for n, phash in ((1, "f" * 16), (2, "0" * 16), (3, "f" * 15 + "e"))]
    groups = [item["group"] for item in opening.load(rows.context(run), ids)]
    assert groups == [1, None, 1]


def test_doubled_texts_are_warned_of_and_suspicious_rows_are_named() -> None:
    run = rows.run(rows.site())
    ids = [at_the_gate(run, n, Caption="The same sentence about a grey heron in reeds.") for n in (1, 2)]
    lines = opening.load(rows.context(run), ids)[0]["notes"]
    assert lines[0][0] == "WARN"
    assert "caption_groups=1" in lines[0][1]
    assert any(f"sample_ids={ids}" in text for _, text in lines)


def test_nothing_doubled_is_said_so() -> None:
    run = rows.run(rows.site())
    assert opening.qc_lines(opening.scan(run, []))[0] == (
        "INFO", "[QC] No duplicates found in pending prefill rows."
    )  # fmt: skip


def test_the_report_of_a_run_that_was_rolled_back_gives_way_to_the_last_that_stands() -> None:
    site = rows.site()
    older, newer = rows.run(site, "r1"), rows.run(site, "r2")
    Run.objects.filter(id="r2").update(started_at=older.started_at + timedelta(hours=1))
    for run in (older, newer):
        opening.write(run, opening.scan(run, []))
    opening.go_back(older)
    assert last_report(newer)["run_id"] == "r2"
    Run.objects.filter(id="r2").update(rolled_back_at=older.started_at)
    opening.go_back(newer)
    assert last_report(older)["run_id"] == "r1"
    Run.objects.filter(id="r1").update(rolled_back_at=older.started_at)
    opening.go_back(older)
    assert not opening.report_path(older).exists()
    opening.go_back(older)
