"""After a run: is everything as it should be? One Check per point; upper rooms add theirs to `VERIFY`."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.ledger import runlog
from penstock.ledger.models import Batch, Run
from penstock.records import VERIFY
from penstock.records.check import Check, asked, fail, ok, warn

SHOWN = 200  # characters of a log line in a point


def verify(run: Run) -> list[Check]:
    """The points of a run: its log first, then what pipeline and targets add, stale files last."""
    return [point for ask in (_rest, _log, *VERIFY, _stale) for point in asked(ask, run)]


def _rest(run: Run) -> Iterator[Check]:
    """A run that is still going on proves nothing yet."""
    if run.open:
        yield warn("run", f"it is {run.status}: later points may change", f"penstock status {run.id}")
    elif run.status == "failed":
        yield fail("run", f"it failed: {run.error_message or 'see its log'}", f"penstock incident {run.id}")
    else:
        yield ok("run", f"it is {run.status}")


def _log(run: Run) -> Iterator[Check]:
    """Errors and warnings of the run log."""
    lines = list(runlog.lines(run))
    wrong = [line for line in lines if "[ERROR]" in line]
    doubtful = [line for line in lines if "[WARN]" in line]
    if wrong:
        text = f"{len(wrong)} errors, {len(doubtful)} warnings; the first: {wrong[0][:SHOWN]}"
        yield fail("log", text, f"penstock logs {run.id}; then penstock retry {run.id}")
    elif doubtful:
        text = f"{len(doubtful)} warnings; the first: {doubtful[0][:SHOWN]}"
        yield warn("log", text, f"penstock logs {run.id}")
    else:
        yield ok("log", f"{len(lines)} lines, no warning")


def _stale(run: Run) -> Iterator[Check]:
    """Work files that no open batch holds."""
    folder = run.site.root / ".work"
    held = {str(one) for one in Batch.objects.filter(open=True).values_list("id", flat=True)}
    places = sorted(folder.iterdir()) if folder.is_dir() else []
    nobodys = [place for place in places if place.name.isdigit() and place.name not in held]
    left = [file for place in nobodys for file in place.rglob("*") if file.is_file()]
    if left:
        yield warn("stale files", f"{len(left)} temporary files are nobody's: {left[0]}, …", "penstock recover")
    else:
        yield ok("stale files", "no temporary file is left")
