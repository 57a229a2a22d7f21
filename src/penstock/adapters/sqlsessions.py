"""Sessions with database servers that are open and unused: the next row need not begin with a handshake."""

from __future__ import annotations

import atexit
from typing import Any

_IDLE: dict[Any, Any] = {}  # one per server and password; whoever takes one has it alone


def taken(key: Any) -> Any:
    """An idle session, which is the caller's from now on; None when there is none."""
    return _IDLE.pop(key, None)


def kept(key: Any, session: Any) -> None:
    """Let somebody else have it. A second idle one is closed."""
    if _IDLE.setdefault(key, session) is not session:
        session.close()


@atexit.register
def closed() -> None:
    """Close all idle sessions."""
    while _IDLE:
        _, session = _IDLE.popitem()
        session.close()
