"""Where a step of a machine may be cut off."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from penstock.engine import failpoint

CRASHES = st.one_of(st.none(), st.none(), st.tuples(st.integers(0, 199), st.integers(1, 3)))
"""Which failpoint, and at which hit; most steps are left alone."""
ROOMS = ("ledger.", "rollback.", "files.", "runlog.", "review.", "photos.")


def spec(crash: Any, rooms: tuple[str, ...] = ROOMS) -> str:
    """What to arm: any failpoint that has been declared, by its number."""
    if crash is None:
        return ""
    names = sorted(name for name in failpoint.declared() if name.startswith(rooms))
    return f"{names[crash[0] % len(names)]}=crash@{crash[1]}"
