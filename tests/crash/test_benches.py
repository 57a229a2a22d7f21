"""The short forms of what bench/ shows at length: nothing is lost or done twice, poison harms nobody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.house.source import ROOT
from tests.services import require


def bench(name: str, *options: str) -> Any:
    """What a bench found. Its exit code also judges speed, which a test machine may not have."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, str(ROOT / "bench" / f"{name}.py"), "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=280)
    assert done.stdout, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.timeout(300)
def test_killed_drivers_lose_nothing_and_repeat_nothing_that_was_committed() -> None:
    found = bench("kills", "--kills", "5", "--stops", "0", "--photos", "8")["kills"]
    assert found["wrong"] == []
    assert found["kills"] == 5


@pytest.mark.timeout(300)
def test_a_holder_that_is_stopped_past_its_lease_writes_nothing_when_it_goes_on() -> None:
    found = bench("kills", "--kills", "0", "--stops", "2", "--photos", "8")["stops"]
    assert found["wrong"] == []
    assert found["stops"] == 2


@pytest.mark.timeout(300)
def test_poison_is_set_aside_with_its_cause_and_everything_else_is_done() -> None:
    found = bench("poison", "--items", "100", "--ms", "20")
    assert found["wrong"] == []
    assert found["states"] == {"done": 97, "quarantined": 3}


@pytest.mark.timeout(300)
def test_there_is_new_progress_after_a_kill_and_a_start() -> None:
    found = bench("restart", "--kills", "2", "--items", "4000")
    assert found["up --once"]["kills"] == found["up"]["kills"] == 2


@pytest.mark.timeout(300)
def test_stages_of_different_lanes_work_at_the_same_time() -> None:
    (found,) = bench("overlap", "--items", "60", "--runners", "async")
    assert found["done"] == 60
    assert found["seconds"] < 0.75 * sum(found["working_s"])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["mysql", "postgres"])
def test_rows_arrive_once_whatever_breaks_between_here_and_the_server(kind: str) -> None:
    require("mariadbd" if kind == "mysql" else "postgres")
    found = bench("publish_rows", "--kind", kind, "--rows", "16", "--faults", "8")
    assert found["wrong"] == []
    assert found["writes"] == {"INSERT": 16}
    assert sum(found["faults"].values()) > 3
