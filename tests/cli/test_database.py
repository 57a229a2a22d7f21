from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from penstock.accounts.models import site_named
from penstock.engine.clock import SystemClock
from penstock.engine.ids import SequenceIds
from penstock.ledger import control
from penstock.ledger.models import Run
from tests.cli.calling import call, shell
from tests.cli.conftest import Reviewed


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A home of its own with one site."""
    home = tmp_path / "home"
    assert shell(home, "site", "create", "kept", "--pipeline", "photos").code == 0
    return home


@pytest.fixture
def locked(kept: Path) -> Iterator[Path]:
    """The same home, while a program serves it."""
    with FileLock(str(kept / "driver.lock")):
        yield kept


def names(home: Path) -> list[str]:
    return [site["name"] for site in shell(home, "--json", "site", "list").data["sites"]]


def test_a_reset_keeps_a_copy_and_a_restore_brings_it_back(kept: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert shell(kept, "db", "backup", copy).code == 0
    assert call("--home", kept, "db", "reset").code == 2
    assert names(kept) == ["kept"]
    reset = call("--json", "--home", kept, "db", "reset", "--yes")
    assert reset.code == 0
    assert Path(reset.data["kept"]).exists()
    assert names(kept) == []
    assert call("--home", kept, "db", "restore", copy).code == 0
    assert names(kept) == ["kept"]


def test_what_is_no_backup_replaces_nothing(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "odd.db").write_bytes(b"odd" * 1000)
    before = sorted(kept.joinpath("data").iterdir())
    assert call("--home", kept, "db", "restore", tmp_path / "odd.db").code == 4
    assert call("--home", kept, "db", "restore", tmp_path / "gone.db").code == 3
    assert sorted(kept.joinpath("data").iterdir()) == before
    assert names(kept) == ["kept"]


def test_a_damaged_database_is_kept_byte_for_byte_before_it_is_replaced(kept: Path, tmp_path: Path) -> None:
    assert shell(kept, "db", "backup", tmp_path / "copy.db").code == 0
    database = kept / "data" / "review.db"
    database.write_bytes(b"damaged" * 500)
    restored = call("--json", "--home", kept, "db", "restore", tmp_path / "copy.db")
    assert restored.code == 0
    assert Path(restored.data["kept"]).read_bytes() == b"damaged" * 500
    assert names(kept) == ["kept"]


def test_nothing_is_replaced_under_a_program_that_works(locked: Path) -> None:
    assert call("--home", locked, "db", "reset", "--yes").code == 4
    assert names(locked) == ["kept"]


def test_a_backup_over_the_database_itself_is_refused(home: Path) -> None:
    call("site", "list")
    assert call("db", "backup", home / "data" / "review.db").code == 4


def test_prune_removes_what_is_past_its_time_and_says_why_the_rest_stays(
    reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("--json", "db", "prune").data == {"dry_run": False, "runs": [], "kept": []}
    monkeypatch.setenv("PENSTOCK_KEEP_DAYS", "1")
    monkeypatch.setenv("PENSTOCK_KEEP_RUNS", "1")
    control.start(site_named(reviewed.site), SystemClock(), SequenceIds(), scope={})
    long_ago = SystemClock().wall() - timedelta(days=9)
    Run.objects.filter(id=reviewed.run).update(completed_at=long_ago, started_at=long_ago)
    assert "wait for a person" in call("--json", "db", "prune").data["kept"][0]["reason"]
    assert call("review", "reject", reviewed.site, *map(str, reviewed.ids("Pending")), "--reason", "dull").code == 0
    assert "--resolve" in call("--json", "db", "prune").data["kept"][0]["reason"]
    call("history", reviewed.site, "--resolve", reviewed.run)
    assert call("--json", "db", "prune", "--dry-run").data["runs"] == [reviewed.run]
    assert call("--json", "db", "prune").data == {"dry_run": False, "runs": [reviewed.run], "kept": []}
    gone = call("rollback", reviewed.run)
    assert (gone.code, "its journal is removed" in gone.err) == (4, True)
    assert call("doctor", reviewed.site).code == 0


def test_what_replaces_the_database_is_whole_on_the_disk_before(kept: Path, tmp_path: Path, synced: list[Path]) -> None:
    from penstock import boot

    database, copy = kept / "data" / "review.db", tmp_path / "copy.db"
    boot.backup(database, copy)
    assert tmp_path in synced
    synced.clear()
    boot.restore(copy, database)
    assert synced == [database.with_name("review.db.part"), database.parent]
