"""Credits as people read them."""

from __future__ import annotations

from penstock.accounts.credits import CREDIT


def plain(thousandths: int, *, sign: bool = False) -> str:
    """Without decimals that say nothing: 12500 is "12.5"."""
    text = f"{thousandths / CREDIT:{'+' if sign else ''},.3f}"
    return text.rstrip("0").rstrip(".") if thousandths else "0"
