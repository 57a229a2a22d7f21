from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from penstock.engine.errors import Unavailable
from penstock.ledger.models import Run
from penstock.records import CHECKS
from penstock.records import check as module
from penstock.records.check import Check, check, ok


def points(site: Any) -> dict[str, Check]:
    return {point.name: point for point in check(site)}


def test_a_home_in_order_passes_every_point_of_its_own(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECKS", [])
    assert {name: point.state for name, point in points(run.site).items()} == dict.fromkeys(
        ("environment", "paths", "disk", "database", "locks", "clock"), "ok"
    )


def test_an_unknown_time_zone_fails_with_the_command_that_mends_it(run: Any) -> None:
    run.site.timezone = "Mars/Base"
    found = points(run.site)["clock"]
    assert (found.state, "penstock site set records timezone=" in found.mend) == ("fail", True)


@pytest.mark.parametrize(("free", "state"), [(10**8, "fail"), (10**9, "warn"), (10**11, "ok")])
def test_a_full_disk_is_told(run: Any, free: int, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=free)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _path: usage)
    assert points(run.site)["disk"].state == state


def test_a_folder_that_cannot_be_written_is_named(run: Any, home: Path) -> None:
    shutil.rmtree(home / "logs", ignore_errors=True)
    (home / "logs").write_text("in the way")
    try:
        found = points(run.site)["paths"]
    finally:
        (home / "logs").unlink()
    assert (found.state, str(home / "logs") in found.detail) == ("fail", True)


def test_an_open_run_that_nobody_works_on_is_told_with_the_way_on(run: Any) -> None:
    Run.objects.filter(id=run.id).update(status="running", active_key="x")
    found = points(run.site)["locks"]
    assert (found.state, found.mend) == ("warn", f"penstock resume {run.id}")


def test_a_program_that_serves_the_home_is_told(run: Any, home: Path) -> None:
    with FileLock(str(home / "driver.lock")):
        assert "serves this home" in points(run.site)["locks"].detail


@pytest.fixture
def added() -> Iterator[None]:
    """Points of upper rooms: one that is fine, one whose server is down."""

    def model_server(_site: object) -> list[Check]:
        raise Unavailable("http://127.0.0.1:1 does not answer")

    def rules(_site: object) -> list[Check]:
        return [ok("rules", "10 packs")]

    CHECKS.extend([model_server, rules])
    yield
    CHECKS.remove(model_server)
    CHECKS.remove(rules)


@pytest.mark.usefixtures("added")
def test_upper_rooms_add_points_and_an_error_of_theirs_is_a_failed_point(run: Any) -> None:
    found = points(run.site)
    assert found["rules"].state == "ok"
    assert found["model server"].state == "fail"
    assert found["model server"].detail == "http://127.0.0.1:1 does not answer"
