"""The program is killed for real, wherever it is, and always ends where an undisturbed run ends."""

from __future__ import annotations

import fnmatch
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.engine import failpoint
from tests.crash import plant

POINTS = (
    "*.before_commit", "*.after_commit", "ledger.before_rename", "ledger.after_rename",
    "files.copy.before_rename", "files.copy.after_rename", "files.move.before_rename", "files.move.after_rename",
    "child.start", "child.sent", "child.answered", "ledger.before_undo", "ledger.after_undo",
)  # fmt: skip


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Where an undisturbed run ends."""
    folder = tmp_path_factory.mktemp("golden")
    home, _ = plant.site(folder)
    assert plant.drive(home).wait(60) in (0, 1)
    yield {"rows": plant.rows(home, folder), "staged": plant.staged(home)}
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def victim(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A home whose run is about to be disturbed."""
    folder = tmp_path / "victim"
    home, source = plant.site(folder)
    return folder, home, source


def check(golden: Any, folder: Path, home: Path, source: Path, before: dict[str, str]) -> None:
    """Where everything must have ended."""
    assert plant.rows(home, folder) == golden["rows"]
    assert plant.staged(home) == golden["staged"]
    kept = {name: sha for name, sha in before.items() if name.startswith("one/")}
    assert plant.originals(source) == kept, "copied originals stay, moved ones are staged"
    report = plant.command(home, "doctor")
    assert (report["ok"], report["violations"]) == (True, [])
    assert not list((home / ".work").glob("*"))


def test_twenty_kills_at_random_moments_change_nothing(golden: Any, victim: tuple[Path, Path, Path]) -> None:
    folder, home, source = victim
    before, dice = plant.originals(source), random.Random(7)
    kills = 0
    for _ in range(20):
        process = plant.drive(home)
        time.sleep(dice.uniform(0.1, 0.7))
        if process.poll() is None:
            process.kill()
            kills += 1
        process.wait(30)
    assert plant.drive(home).wait(60) in (0, 1)
    assert kills >= 5
    check(golden, folder, home, source, before)


ONCE = ("child.start", "ledger.before_undo", "ledger.after_undo")
HITS = [(p, hit) for p in POINTS for hit in ((3, 4) if "files." in p else (1,) if p in ONCE else (1, 4))]


@pytest.mark.parametrize(("point", "hit"), HITS)
def test_a_kill_at_a_failpoint_changes_nothing(
    golden: Any, victim: tuple[Path, Path, Path], point: str, hit: int
) -> None:
    folder, home, source = victim
    before = plant.originals(source)
    process = plant.drive(home, f"{point}=kill@{hit}")
    died = process.wait(60)
    assert died == -signal.SIGKILL or "files." in point, "it is a worker that files kill"
    assert plant.drive(home).wait(60) in (0, 1)
    check(golden, folder, home, source, before)


def test_every_point_is_declared(ledger_home: Path) -> None:
    import penstock.adapters.files
    import penstock.engine.child
    import penstock.ledger.apply
    import penstock.ledger.effects
    import penstock.ledger.tx  # noqa: F401

    for point in POINTS:
        assert fnmatch.filter(failpoint.declared(), point), point


def test_a_rollback_puts_rows_files_and_names_back_exactly(victim: tuple[Path, Path, Path]) -> None:
    folder, home, source = victim
    rows, files = plant.rows(home, folder), plant.originals(source)
    run = plant.command(home, "status", "demo")["run_id"]
    plant.command(home, "cancel", run)
    assert plant.drive(home).wait(60) in (0, 1)
    plant.command(home, "run", "demo")
    plant.command(home, "rollback", plant.command(home, "status", "demo")["run_id"])
    assert plant.rows(home, folder) == rows
    assert plant.originals(source) == files
    assert not plant.staged(home)
    assert plant.command(home, "doctor")["ok"]
