"""The documents and the command line name the same commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from penstock.cli.main import main
from tests.docs.documents import ROOT, documents


def test_every_command_that_a_document_names_exists() -> None:
    known = set(_commands(main))
    unknown = [f"{place}: penstock {words}" for place, words in _named() if not _known(words, known)]
    assert unknown == []


def test_every_command_is_in_a_document() -> None:
    named = {words for _, words in _named()}
    silent = [command for command in _commands(main) if not any(_begins(words, command) for words in named)]
    assert silent == []


def _commands(group: click.Command, before: str = "") -> Iterator[str]:
    """Every command that does something, as it is typed: "site create"."""
    if not isinstance(group, click.Group):
        yield before
        return
    if group.invoke_without_command and before:
        yield before
    for name, command in group.commands.items():
        yield from _commands(command, f"{before} {name}".strip())


def _named() -> list[tuple[str, str]]:
    """Where a document names a command, and its words; lines that say "not built yet" are promises."""
    found = []
    for document in documents():
        for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
            place = f"{document.relative_to(ROOT).as_posix()}:{number}"
            if "not built yet" not in line:
                found += [(place, words) for words in re.findall(r"(?:`|^)penstock ([^`\n#]+)", line)]
    return found


def _known(words: str, known: set[str]) -> bool:
    return words.startswith(("-", "[")) or any(_begins(words, command) for command in known)


def _begins(words: str, command: str) -> bool:
    """Whether the words are that command: `review list|show SITE` is each of its alternatives."""
    typed = words.split()
    wanted = command.split()
    return len(typed) >= len(wanted) and all(
        part in re.split(r"\\?\|", word) for word, part in zip(typed, wanted, strict=False)
    )
