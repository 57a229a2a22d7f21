from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

START = """
import sys
from pathlib import Path
from penstock import boot, config
boot.start(config.load(Path(sys.argv[1])))
print("looked" if "django.db.migrations.executor" in sys.modules else "at once")
"""


KILLED = """
import os
from django.db.migrations.executor import MigrationExecutor
apply, done = MigrationExecutor.apply_migration, []
def apply_three(*args, **more):
    done.append(1)
    return apply(*args, **more) if len(done) <= 3 else os.kill(os.getpid(), 9)
MigrationExecutor.apply_migration = apply_three
"""


def start(home: Path, before: str = "") -> tuple[str, str]:
    """What a start on the home says, and the last line of what went wrong."""
    done = subprocess.run([sys.executable, "-c", before + START, str(home)], capture_output=True, text=True, timeout=60)
    return done.stdout.strip(), done.stderr.strip().rpartition("\n")[2]


def sql(home: Path, *statements: str) -> int:
    """Change the database by hand; answers its version number."""
    with closing(sqlite3.connect(home / "data" / "review.db")) as base:
        for statement in statements:
            base.execute(statement)
        base.commit()
        return int(base.execute("PRAGMA user_version").fetchone()[0])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home that was started once."""
    folder = tmp_path_factory.mktemp("boot")
    assert start(folder / "home") == ("looked", "")
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / "home"))


def test_the_second_start_loads_no_migration(home: Path) -> None:
    assert sql(home) > 0
    assert start(home) == ("at once", "")


def test_a_driver_starts_and_recovers_without_heavy_libraries(home: Path) -> None:
    code = """
import sys
from penstock.cli.main import main
main(["--home", sys.argv[1], "--json", "up", "--once"], standalone_mode=False)
heavy = {"PIL", "cv2", "httpx2", "numpy", "openai", "psutil", "pydantic", "rapidfuzz", "rich", "waitress"}
sys.exit(", ".join(sorted(heavy & set(sys.modules))) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code, str(home)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (0, "No run is open.")


def test_a_database_of_a_newer_version_is_refused(home: Path) -> None:
    newer = "INSERT INTO django_migrations (app, name, applied) VALUES ('ledger', '9999_later', '2030-01-01')"
    sql(home, newer, "PRAGMA user_version=7")
    out, error = start(home)
    assert out == ""
    assert "was written by a newer version of Penstock" in error


def test_migrations_that_were_broken_off_are_finished(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert start(home, KILLED)[0] == ""
    assert sql(home) == 0
    assert start(home) == ("looked", "")
    assert start(home) == ("at once", "")


def test_a_database_that_an_earlier_version_of_the_program_left_is_marked_once(home: Path) -> None:
    sql(home, "PRAGMA user_version=0")
    assert start(home) == ("looked", "")
    assert start(home) == ("at once", "")
