"""`penstock up` on a home, in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def served(home: Path, port: int = 0) -> Iterator[tuple[int, str]]:
    """`penstock up` in a process of its own, killed hard at the end."""
    words = [sys.executable, "-m", "penstock", "--home", str(home), "up", "--no-browser", "--port", str(port)]
    process = subprocess.Popen(
        words, cwd=ROOT, env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/signin\S+", line):
                yield int(found[1]), found[0]
                return
        raise AssertionError("the server did not start")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        process.stderr.close()


def environment(home: Path) -> dict[str, str]:
    """The environment of a program on that home."""
    return {**os.environ, "PENSTOCK_HOME": str(home), "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
