"""The driver of a publish run dies at a commit, another goes on: the targets look as after an undisturbed run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from tests.publish.desk import Desk

ROOT = Path(__file__).resolve().parents[2]
DRIVER = """
import sys
from penstock import boot, config
boot.start(config.load())
from penstock.engine import failpoint
from penstock.ledger.drive import drive
failpoint.arm(sys.argv[1])
drive(config.current(), interruptible=False)
"""


def drive_and_die(home: Path, point: str) -> int:
    """Drive in another process until it is killed at `point`; answers its exit status."""
    paths = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    env = {**os.environ, "PENSTOCK_HOME": str(home), "PYTHONPATH": paths}
    status = subprocess.run([sys.executable, "-c", DRIVER, point], env=env, timeout=60).returncode
    with FileLock(str(home / "driver.lock"), timeout=10):  # a child that was just starting may hold it for a moment
        return status


@pytest.mark.parametrize(
    "point",
    ["*.before_commit=kill@3", "*.after_commit=kill@3", "ledger.before_rename=kill@1",
     "ledger.before_rename=kill@2", "*.after_commit=kill@5", "*.before_commit=kill@8"],
)  # fmt: skip
def test_a_publish_run_survives_the_death_of_its_driver(desk: Desk, ledger_home: Path, point: str) -> None:
    from penstock.publish import drift
    from tests.publish.desk import recounted

    item = desk.photo()
    run = desk.start()
    assert drive_and_die(ledger_home, point) == -9
    assert desk.drive(run)["rows"] == [{"id": item, "status": "published", "error": ""}]
    assert len(desk.files()) == 2
    assert [row["id"] for row in desk.rows()] == [1]
    assert drift.reconcile(desk.site) == []
    recounted()


def test_pictures_that_vanish_after_rendering_are_made_anew_by_the_next_publish(desk: Desk) -> None:
    import shutil

    from penstock.engine import failpoint

    item = desk.photo()
    run = desk.start()
    failpoint.arm_call("ledger.after_rename", lambda *_: shutil.rmtree(desk.site.root / ".work"))
    result = desk.drive(run)
    assert result["failed"] == 1
    failpoint.disarm()
    assert desk.files() == {}
    assert desk.publish()["rows"] == [{"id": item, "status": "published", "error": ""}]
