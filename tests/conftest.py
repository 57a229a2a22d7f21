"""Every test runs in a home of its own process, with no setting of the caller's and no failpoint armed."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.engine import failpoint
from tests import services
from tests.databases import Database, served
from tests.services import require, require_url

__all__ = ["require", "require_url"]

KEPT = ("PENSTOCK_TEST_", "PENSTOCK_REQUIRE_SERVICES", "PENSTOCK_BENCH")


def _isolate() -> Path:
    """Forget the caller's settings and make this process's home. Runs before Django reads its settings."""
    for name in [n for n in os.environ if n.startswith("PENSTOCK_") and not n.startswith(KEPT)]:
        del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix="penstock-test-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ["PENSTOCK_HOME"] = str(home)
    return home


HOME = _isolate()


def _start_django() -> None:
    """Models can be imported by any test module; the tables come with the `ledger_home` fixture."""
    import django

    from penstock import config

    config.use(config.load(HOME))
    os.environ["DJANGO_SETTINGS_MODULE"] = "penstock.settings"
    (HOME / "data").mkdir(exist_ok=True)
    django.setup()


_start_django()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long`: as many rounds as a release is held to."""
    parser.addoption("--long", action="store_true", help="fuzz and race for many rounds")


@pytest.fixture(scope="session")
def home() -> Path:
    """The home of this process, which Django is started with. One per process: keep its rows apart."""
    return HOME


@pytest.fixture(autouse=True)
def _nothing_armed() -> Iterator[None]:
    """A failpoint that one test armed never reaches the next."""
    yield
    failpoint.disarm()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times read the same everywhere, output is plain, and the home is this process's own again."""
    monkeypatch.setenv("PENSTOCK_HOME", str(HOME))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What was made durable (fsync) since the test began: files and folders, as they were called then."""
    done: list[Path] = []
    fsync = os.fsync

    def noted(fd: int) -> None:
        done.append(Path(f"/proc/self/fd/{fd}").readlink())
        fsync(fd)

    monkeypatch.setattr(os, "fsync", noted)
    return done


@pytest.fixture(scope="session")
def exiftool() -> str:
    """The path of exiftool."""
    return require("exiftool")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium."""
    return require("chromium")


@pytest.fixture(scope="session")
def _databases() -> Iterator[dict[str, Database]]:
    """Database servers by kind; started by the first test that asks for one, ended after the last."""
    started: dict[str, Database] = {}
    yield started
    for server in started.values():
        server.remove()


@pytest.fixture(params=["mysql", "postgres"])
def database(request: pytest.FixtureRequest, _databases: dict[str, Database]) -> Database:
    """A real server of each kind, with an empty database `site`."""
    return served(request.param, _databases)


@pytest.fixture
def mariadb(_databases: dict[str, Database]) -> Database:
    """A real MariaDB with an empty database `site`."""
    return served("mysql", _databases)


@pytest.fixture
def postgres(_databases: dict[str, Database]) -> Database:
    """A real PostgreSQL with an empty database `site`."""
    return served("postgres", _databases)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say plainly what was not checked because a program or server is missing."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.getreports("skipped"):
        text = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if services.MISSING in text:
            counts[text.partition(services.MISSING)[2].strip()] += 1
    if counts:
        terminalreporter.section("not checked here, for lack of a service")
        for sentence, number in sorted(counts.items()):
            terminalreporter.write_line(f"{number:>4} skipped: {sentence}")


@pytest.fixture(scope="session")
def _django(home: Path) -> Path:
    """Django, started once on this process's home."""
    from penstock import boot, config

    boot.start(config.load(home))
    return home


@pytest.fixture
def ledger_home(_django: Path) -> Iterator[Path]:
    """The home with Django on it, and no rows, whatever an earlier test left."""
    _wipe(_django)
    yield _django
    _wipe(_django)


def _wipe(home: Path) -> None:
    from django.apps import apps
    from django.db import connection

    from penstock.ledger import runlog

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_keys=OFF")
        for model in apps.get_models():
            if model._meta.app_label != "staticfiles":
                cursor.execute(f'DELETE FROM "{model._meta.db_table}"')
        cursor.execute("PRAGMA foreign_keys=ON")
    runlog.forget()
    for place in [*home.iterdir(), *(home / "data").iterdir()]:
        if place.name not in ("data", "secret.key") and not place.name.startswith("review.db"):
            shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink()
