"""The console, served by a thread of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from penstock import config


@contextmanager
def serving(port: int = 0) -> Iterator[str]:
    """The sign-in link of a console that is served until the block ends; port 0 takes a free one."""
    from penstock.console.server import serve

    ready, stop, links = threading.Event(), threading.Event(), list[str]()

    def on_ready(link: str) -> None:
        links.append(link)
        ready.set()

    options = {"port": port, "on_ready": on_ready, "stop": stop}
    thread = threading.Thread(target=serve, args=(config.current(),), kwargs=options)
    thread.start()
    try:
        assert ready.wait(30)
        yield links[0]
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
