"""What a photo run leaves behind besides its rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from penstock import __version__, config
from penstock.engine.failpoint import SimulatedCrash, armed
from penstock.ledger import sweep
from penstock.ledger.drive import ledger_of
from penstock.ledger.models import Run, StageRun
from penstock.pipelines.photos import leavings, namebook, opening, taxonomy, taxonomyfiles
from penstock.pipelines.photos.models import ReservedName
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")


@pytest.fixture
def run() -> Run:
    """A run that came to rest with one photo that waits and one that failed."""
    one = rows.run(rows.site())
    (one.site.root / "data" / "run_log.txt").unlink(missing_ok=True)
    StageRun.objects.create(run=one, number=8, name="review", title="Open", table="photo", waiting=1)
    rows.waiting(one.site, 1, run=one.id)
    rows.waiting(one.site, 2, run=one.id, stage="score", state="failed")
    Run.objects.filter(id=one.id).update(status="completed")
    return Run.objects.get(id=one.id)


def log(run: Run) -> list[str]:
    """Lines of the summary file."""
    return (run.site.root / "data" / "run_log.txt").read_text(encoding="utf-8").splitlines()


def test_a_run_leaves_one_line_however_often_it_is_told(run: Run) -> None:
    leavings.write(run)
    leavings.write(run)
    (line,) = log(run)
    assert line.split("\t") == [
        run.started_at.isoformat(timespec="seconds"), f"build={__version__}", "RUN_COMPLETED",
        "run=r1 status=completed pending=1 failed=1",
    ]  # fmt: skip


def test_an_error_cannot_forge_a_line_or_a_column(run: Run) -> None:
    run.error_message = "no room for /card/a\nb\tc.jpg"
    leavings.write(run)
    (line,) = log(run)
    assert line.split("\t")[3].endswith(r"no room for /card/a\nb\tc.jpg")


def test_another_run_whose_name_begins_alike_has_its_own_line(run: Run) -> None:
    leavings.write(rows.run(run.site, "r11"))
    leavings.write(run)
    assert len(log(run)) == 2


def test_the_names_that_are_held_are_written(run: Run) -> None:
    leavings.write(run)
    assert len(json.loads(namebook.file_of(run.site).read_text())) == 2


def test_a_run_without_rows_at_the_gate_leaves_an_empty_report_of_its_own(run: Run) -> None:
    leavings.write(run)
    report = json.loads(opening.report_path(run).read_text())
    assert (report["run_id"], report["summary"]["row_count"]) == ("r1", 0)


def test_the_report_that_the_run_wrote_stays(run: Run) -> None:
    opening.write(run, {"summary": {"row_count": 5}})
    leavings.write(run)
    assert json.loads(opening.report_path(run).read_text())["summary"]["row_count"] == 5


def test_after_a_rollback_names_are_free_and_the_report_is_gone(run: Run) -> None:
    leavings.write(run)
    ReservedName.objects.all().delete()
    Run.objects.filter(id=run.id).update(rolled_back_at=run.started_at)
    leavings.after_rollback(run)
    assert json.loads(namebook.file_of(run.site).read_text()) == []
    assert not opening.report_path(run).exists()


def test_a_copy_that_a_crash_kept_from_being_written_is_written_by_recovery(run: Run) -> None:
    leavings.write(run)
    site, when = run.site, datetime(2026, 11, 25, tzinfo=UTC)
    taxonomy.add(site, "folder", "marsh", "", who="ann", at=when)
    with pytest.raises(SimulatedCrash), armed("files.write.before_rename=crash"):
        taxonomy.rename(site, "folder", "marsh", "The Marsh", who="ann", at=when)
    ReservedName.objects.all().delete()
    sweep.recover(ledger_of(config.current()))
    assert json.loads(taxonomyfiles.folder_file(site).read_text())["marsh"] == "The Marsh"
    assert json.loads(namebook.file_of(site).read_text()) == []
    assert not list((site.root / "data").glob("*.part"))
