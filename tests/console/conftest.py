"""Django, before the tests name models; and a served console with a browser in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock import boot, config
from tests.console.serving import serving

boot.start(config.load())


@pytest.fixture
def served(ledger_home: Path) -> Iterator[str]:
    """The sign-in link of a console that is served."""
    with serving() as link:
        yield link


@pytest.fixture
def page(served: str, chromium: str, tmp_path: Path) -> Iterator[Any]:
    """A browser that has just used the link."""
    from tests.console.browser import browser

    with browser(chromium, tmp_path / "profile") as one:
        one.shape(1280, 900)
        one.open(served)
        one.wait("document.title.startsWith('Sites')")
        one.base = served.partition("/signin")[0]
        yield one
