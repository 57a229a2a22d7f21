"""How long to wait before another try: pure arithmetic, no jitter, so that a replay waits exactly as long."""

from __future__ import annotations


def delay(attempt: int, base: float, cap: float = 300.0, factor: float = 2.0) -> float:
    """Seconds to wait after attempt number `attempt` (from 1): base, base*factor, … at most `cap`."""
    if attempt < 1 or base <= 0.0:
        return 0.0
    try:
        return min(cap, base * factor ** (attempt - 1))
    except OverflowError:
        return cap
