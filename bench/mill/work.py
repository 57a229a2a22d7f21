"""What a child of the mill does with a grain: `milliseconds` of rest, unless its plan is worse."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from typing import Any

from penstock.engine.outcome import Done, Outcome

SECONDS = float(os.environ.get("MILL_SECONDS", "0.2"))
LOG = os.environ.get("MILL_LOG", "")  # one line per item that was worked on, written by the work itself


def work(stage: str, item: dict[str, Any], progress: Callable[[str], None]) -> Outcome:
    """Obey the plan."""
    if LOG:
        note(f"{stage} {item['id']}\n")
    match item["plan"]:
        case "segfault":
            ctypes.string_at(0)
        case "hang":
            time.sleep(3600)
        case "allocate":
            _allocate()
    time.sleep(SECONDS)
    return Done()


def note(line: str) -> None:
    """One append, which the kernel keeps whole."""
    with open(LOG, "ab", buffering=0) as log:
        log.write(line.encode())


def _allocate() -> None:
    held = []
    while True:
        held.append(bytearray(32 << 20))
