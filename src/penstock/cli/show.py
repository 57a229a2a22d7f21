"""What a command says: results on standard output (text or one JSON document), the rest on standard error."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from penstock.engine.errors import UsageError

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}
RIGHT = (int, float)
COMMAND = re.compile(r"(?<![^\s`(])penstock (?=[a-z])")


@dataclass
class Show:
    """The output of one command."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    home: str = ""  # the `--home` of this call: commands that a text names carry it, to be typed as they stand

    def document(self, data: Mapping[str, Any]) -> None:
        """The one JSON document; nothing without `--json`. A command calls this once."""
        if self.json:
            click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))

    def say(self, text: str = "") -> None:
        """A line of the result, for people."""
        if not self.json:
            click.echo(self._typed(text))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, wrap: Sequence[str] = ()) -> None:
        """Rows of the result, for people; the columns `wrap` share what room there is."""
        if self.json or not rows:
            return
        if on_terminal(sys.stdout):
            _rich(columns, rows, wrap)
        else:
            _plain(columns, rows)

    def note(self, text: str) -> None:
        """How things go: on standard error, silent with `-q`."""
        if not self.quiet:
            click.echo(self._typed(text), err=True)

    def warn(self, text: str) -> None:
        """Something to know of: on standard error."""
        click.echo(self._typed(text), err=True)

    def error(self, sentence: str, *, code: str, exit_code: int) -> None:
        """Why the command did not do it."""
        click.echo(f"penstock: {self._typed(sentence)}", err=True)
        self.document({"error": {"code": code, "message": sentence, "exit_code": exit_code}})

    def confirm(self, question: str, flag: str) -> bool:
        """Ask for a yes. Without a terminal raises UsageError naming the flag that answers."""
        self._needs_person(question, flag)
        return click.confirm(safe(question), default=False, err=True)

    def ask(self, question: str, flag: str, *, hidden: bool = False) -> str:
        """Ask for a text; a hidden one may be empty. Without a terminal raises UsageError naming the flag that
        answers."""
        self._needs_person(question, flag)
        default = "" if hidden else None
        answer: str = click.prompt(safe(question), default, hidden, show_default=False, err=True)
        return answer

    @property
    def has_person(self) -> bool:
        """Whether somebody can be asked."""
        return on_terminal(sys.stdin) and on_terminal(sys.stderr)

    def _typed(self, text: str) -> str:
        place = f"penstock --home {shlex.quote(self.home)} "
        return safe(COMMAND.sub(lambda _: place, text) if self.home else text)

    def _needs_person(self, question: str, flag: str) -> None:
        if not self.has_person:
            raise UsageError(f"{question.rstrip('? ')}: nobody can be asked here; give {flag}")


def on_terminal(stream: Any) -> bool:
    """Whether a person sees the stream as it is written."""
    return bool(stream is not None and not stream.closed and stream.isatty())


def safe(text: str) -> str:
    """Text without control characters (they could drive a terminal), fit for the output's encoding."""
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return clean.encode(encoding, "replace").decode(encoding)


def cell(value: Any) -> str:
    """A value as a table shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}"
    return safe(" ".join(str(value).split()))


def _plain(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Columns two spaces apart, widths by content."""
    texts = [list(columns), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(columns))]
    numbers = [all(isinstance(row[i], RIGHT) for row in rows) for i in range(len(columns))]
    for row in texts:
        padded = (text.rjust(w) if n else text.ljust(w) for text, w, n in zip(row, widths, numbers, strict=True))
        click.echo("  ".join(padded).rstrip())


def _rich(columns: Sequence[str], rows: Sequence[Sequence[Any]], wrap: Sequence[str]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE, pad_edge=False, show_edge=False)
    for index, name in enumerate(columns):
        number = all(isinstance(row[index], RIGHT) for row in rows)
        ratio = {"overflow": "fold"} if name in wrap else {"no_wrap": True}
        table.add_column(name, justify="right" if number else "left", **ratio)
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    Console(soft_wrap=False).print(table)


def count(n: int, noun: str, plural: str = "") -> str:
    """ "1 photo", "3 photos", "1,200 photos"."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
