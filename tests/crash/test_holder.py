"""The holder of a run is killed: its lock is shown as dead, the run as interrupted, and the next holder goes on."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.crash.plant import MAIN, command, rows, site

PATIENCE = threading.Event()


@contextmanager
def served(home: Path, failpoints: str = "") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`penstock up` and its port; ended by its id."""
    env = os.environ | ({"PENSTOCK_FAILPOINTS": failpoints} if failpoints else {})
    words = [*MAIN, "--home", str(home), "up", "--no-browser", "--port", "0"]
    program = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env)
    try:
        assert program.stderr is not None
        found = next(filter(None, (re.search(r":(\d+)/signin", line) for line in program.stderr)))
        yield program, int(found[1])
    finally:
        program.send_signal(signal.SIGKILL)
        program.wait(30)
        assert program.stderr is not None
        program.stderr.close()


def ask(port: int, token: str, method: str, path: str) -> tuple[int, Any]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as line:
        line.request(method, f"/api/v1/automation/{path}", headers={"Authorization": f"Bearer {token}"})
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())


def until(check: Any, seconds: float = 60, told: Any = "") -> Any:
    """What `check` answers, once it answers something. `told` is asked when it does not."""
    for _ in range(int(seconds / 0.05)):
        if found := check():
            return found
        PATIENCE.wait(0.05)
    raise AssertionError("it did not come about in time; " + str(told and told()))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A site with a run that nobody drives yet, and an owner with a token."""
    place, _ = site(tmp_path)
    command(place, "user", "create", "ann", "--owner", "--account", "default", "--no-password")
    return place


@pytest.mark.timeout(300)
def test_a_killed_holder_leaves_an_interrupted_run_that_the_next_one_finishes(home: Path) -> None:
    token = command(home, "token", "create", "--user", "ann", "--role", "owner")["token"]
    number = command(home, "site", "show", "demo")["id"]
    run = command(home, "status", "demo")["run_id"]
    with served(home, "ledger.turn.after_commit=sleep:2") as (program, port):
        path = f"lock?site_id={number}"
        held = until(lambda: (one := ask(port, token, "GET", path)[1])["epoch"] and one)
        assert (held["held"], held["run_id"], held["alive"]) == (True, run, True)
        assert held["owner"] == f"process {program.pid}"
        assert ask(port, token, "POST", f"run_now?site_id={number}")[1]["code"] == "already_running"
        program.send_signal(signal.SIGKILL)
        program.wait(30)
    dead = look(home)
    assert dead == {"alive": False, "interrupted": True, "status": "running"}
    with served(home) as (second, port):

        def current() -> Any:
            return ask(port, token, "GET", f"history?site_id={number}")[1]["runs"][0]

        def told() -> Any:
            return ask(port, token, "GET", f"lock?site_id={number}"), ask(port, token, "GET", f"logs?run_id={run}")

        until(lambda: current()["status"] == "completed", 150, told)
        assert not current()["interrupted"]
        assert second.pid != program.pid
    assert {row["stage"] for row in rows(home, home.parent)["review_queue"]} >= {"review"}
    assert command(home, "doctor")["violations"] == []


def look(home: Path) -> dict[str, Any]:
    """The lock and the run as they stand, while nobody serves the home."""
    code = """
import json, sys
from pathlib import Path
from penstock import boot, config
boot.start(config.load(Path(sys.argv[1])))
from penstock.accounts.models import Site
from penstock.engine.clock import SystemClock
from penstock.ledger import lock
from penstock.records import automation
site = Site.objects.get()
run = automation.current_run(site, SystemClock())
alive = lock.view(site, SystemClock()).alive
print(json.dumps({"alive": alive, "interrupted": run["interrupted"], "status": run["status"]}))
"""
    done = subprocess.run([MAIN[0], "-c", code, str(home)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
