"""Photo sites seen from outside: the command line, the run log, the rows, the files and the exit codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.doors.door import QUICK, Door
from tests.stubs.ollama_server import OllamaServer

Serve = Callable[..., OllamaServer]


@pytest.fixture
def door(ledger_home: Path, tmp_path: Path) -> Door:
    """An empty home with one photo site whose texts come from the template, and no photos yet."""
    return Door.made(ledger_home, tmp_path)


@pytest.fixture
def ollama() -> Iterator[Serve]:
    """Starts scripted Ollama servers: `ollama(rules=[…])`; they end with the test."""
    with ExitStack() as stack:
        yield lambda **script: stack.enter_context(OllamaServer(script).running())


@pytest.fixture
def asking(door: Door, ollama: Serve) -> Callable[..., OllamaServer]:
    """Has the site ask a scripted server: `asking(rules=[…], **settings)`."""

    def ask(*, models: list[Any] | None = None, rules: list[Any] | None = None, **settings: Any) -> OllamaServer:
        server = ollama(rules=rules or [], **({"models": models} if models else {}))
        own = {"caption_provider": "ollama", "caption_model": "qwen2.5vl:3b", "ollama_url": server.url}
        door.set(**(own | QUICK | settings))
        return server

    return ask
