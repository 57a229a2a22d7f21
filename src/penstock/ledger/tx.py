"""The ledger writes through the same helper as accounts: it stands in the lowest room that knows the database."""

from __future__ import annotations

from penstock.accounts.tx import commits, write

__all__ = ["commits", "write"]
