"""Who owns what: accounts and their sites."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

AFTER_CREATE: list[Callable[[Any], None]] = []
"""Called with a new Site, in the transaction that makes it."""

SETTINGS: dict[str, str] = {}
"""Pipeline → the module with the settings of its sites: `of`, `change` and `describe`. Imported when needed."""
