from __future__ import annotations

import sys
from pathlib import Path

import pytest

from penstock.engine import exits
from penstock.engine.exits import describe_exit, is_native_crash, oom_kills

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals have no names there")


@pytest.mark.parametrize(
    ("code", "text", "crash"),
    [
        (None, "it had not ended yet", False),
        (0, "exit status 0", False),
        (1, "exit status 1", False),
        (-11, "ended by SIGSEGV (segmentation fault)", True),
        (-6, "ended by SIGABRT (abort)", True),
        (-9, "ended by SIGKILL", False),
        (-250, "ended by signal 250", False),
        (139, "exit status 139 (SIGSEGV (segmentation fault))", True),
        (137, "exit status 137 (SIGKILL)", False),
        (0xC0000005, "exit status 0xC0000005 (access violation)", True),
        (0xC0000005 - (1 << 32), "exit status 0xC0000005 (access violation)", True),
        (0xC00000FD, "exit status 0xC00000FD (stack overflow)", True),
        (0xC000013A, "exit status 0xC000013A (ended by Ctrl-C)", False),
        (0xC0001234, "exit status 0xC0001234 (unknown status)", False),
    ],
)
def test_exit_statuses_are_said_in_words(code: int | None, text: str, crash: bool) -> None:
    assert describe_exit(code) == text
    assert is_native_crash(code) is crash


def test_the_kernels_count_of_memory_kills_is_read_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vmstat = tmp_path / "vmstat"
    monkeypatch.setattr(exits, "_VMSTAT", vmstat)
    assert oom_kills() == 0
    vmstat.write_text("nr_free_pages 7\noom_kill 3\n")
    assert oom_kills() == 3
