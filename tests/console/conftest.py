"""Django, before the tests name models; and a served console with a browser in front of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock import boot, config

boot.start(config.load())


@pytest.fixture
def served(ledger_home: Path) -> Iterator[str]:
    """The sign-in link of a console that is served."""
    from penstock.console.server import serve

    ready, stop, links = threading.Event(), threading.Event(), list[str]()

    def on_ready(link: str) -> None:
        links.append(link)
        ready.set()

    options = {"port": 0, "on_ready": on_ready, "stop": stop}
    thread = threading.Thread(target=serve, args=(config.current(),), kwargs=options)
    thread.start()
    try:
        assert ready.wait(30)
        yield links[0]
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


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
