from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import httpx2
import pytest

from penstock.cli import up
from tests.cli.calling import call, shell, started


def test_up_serves_the_page_behind_a_link_and_stops_in_good_order(tmp_path: Path) -> None:
    server = started(tmp_path / "home", "up", "--no-browser", "--port", "0")
    try:
        assert server.stderr is not None
        link = server.stderr.readline().removeprefix("Review page: ").strip()
        page = httpx2.get(link)
        assert page.status_code == 200
        assert httpx2.get(link.partition("/signin")[0] + "/").status_code == 401
    finally:
        server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=30)
    assert (server.returncode, err.splitlines()[-1]) == (0, "Stopped.")


def test_an_address_that_others_could_reach_is_refused(tmp_path: Path) -> None:
    called = shell(tmp_path / "home", "up", "--no-browser", "--port", "0", "--host", "0.0.0.0")
    assert (called.code, "penstock user create NAME --owner" in called.err) == (2, True)


def test_a_second_program_on_the_same_home_is_refused(ledger_home: Path) -> None:
    from filelock import FileLock

    with FileLock(str(ledger_home / "driver.lock")):
        called = call("up", "--once")
    assert (called.code, "another Penstock process serves this home" in called.err) == (4, True)


def test_once_with_nothing_open_is_done() -> None:
    assert call("--json", "up", "--once").data == {"runs": []}


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="there a browser with a window is always there")
def test_a_browser_is_opened_only_where_there_are_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not up._has_browser()
    monkeypatch.setitem(os.environ, "DISPLAY", ":0")
    assert up._has_browser()
