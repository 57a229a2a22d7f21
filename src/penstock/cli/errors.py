"""Errors of the command line: one sentence and an exit code each; what nobody expected goes to a file."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from penstock.cli.session import Session
from penstock.engine.errors import PenstockError

USAGE, OUTSIDE, STOPPED, FAILED = 2, 5, 130, 1
LONGEST = 500  # characters of a sentence: what was typed may be a whole book
_PLACES = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOENT, errno.ENOTDIR,
    errno.ENAMETOOLONG, errno.ELOOP,
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What is said about an error, and with which exit code the program ends."""

    code: int
    word: str
    sentence: str


def guard(work: Callable[[], Any], session: Session, words: list[str]) -> int:
    """Run a command; answer its exit code. An expected error becomes a sentence, any other a file too."""
    try:
        answer = work()
        return answer if isinstance(answer, int) else 0
    except BrokenPipeError:  # the reader of our output has gone: nothing left to say
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        return FAILED
    except BaseException as error:
        if isinstance(error, SystemExit | GeneratorExit):
            raise
        if type(error).__name__ == "NoArgsIsHelpError" and not session.json:  # click 8.2 and later
            click.echo(error.ctx.get_help())  # type: ignore[attr-defined]
            return USAGE
        told = expected(error, session) or _crash(error, session, words)
    session.show.error(_shortened(told.sentence), code=told.word, exit_code=told.code)
    return told.code


def _shortened(sentence: str) -> str:
    """Its beginning and its end, where the way to mend it stands."""
    half = LONGEST // 2
    return sentence if len(sentence) <= LONGEST else f"{sentence[:half]} … {sentence[-half:]}"


def expected(error: BaseException, session: Session) -> Told | None:
    """What to say about an error that a person can mend; None for any other."""
    if isinstance(error, click.exceptions.Abort | KeyboardInterrupt):
        return Told(STOPPED, "stopped", "Stopped.")
    if isinstance(error, click.UsageError):
        return Told(USAGE, "usage", _usage(error))
    if isinstance(error, click.ClickException):
        return Told(USAGE, "usage", error.format_message())
    if isinstance(error, PenstockError):
        return Told(error.exit_code, error.code, str(error))
    if type(error).__name__ == "ConfigError":
        return Told(USAGE, "config", str(error))
    if _is_database(error):
        return Told(OUTSIDE, "database", _database(error, session))
    if isinstance(error, OSError) and error.errno in _PLACES and error.filename:
        reason = (error.strerror or "it cannot be used").lower()
        return Told(USAGE, "files", f"{os.fsdecode(error.filename)}: {reason}")
    return None


def _usage(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "penstock"
    if type(error).__name__ == "NoArgsIsHelpError":
        return f"`{path}` needs a command (`{path} --help` lists them)"
    text = error.format_message().rstrip(".")
    return f"{text} (`{path} --help` shows how)"


def _is_database(error: BaseException) -> bool:
    """Django is asked only when it is loaded."""
    django = sys.modules.get("django.db.utils")
    kinds: tuple[Any, ...] = (sqlite3.DatabaseError,)
    if django is not None:
        kinds += (django.OperationalError, django.DatabaseError)
    wrong = (sqlite3.IntegrityError, sqlite3.ProgrammingError)
    wrong += (django.IntegrityError, django.ProgrammingError) if django is not None else ()
    return isinstance(error, kinds) and not isinstance(error, wrong)


def _database(error: BaseException, session: Session) -> str:
    place = str(session.opened.config.database) if session.opened else "the database of this home"
    if "locked" in str(error):
        return f"{place} is locked by another program; stop that program, or try again in a moment"
    return f"{place} cannot be used: {error}; `penstock db restore FILE` goes back to a backup"


def _crash(error: BaseException, session: Session, words: list[str]) -> Told:
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    file = _write_down(error, text, session, words)
    where = f"The details are in {file}." if file else "The details could not be written to the home."
    return Told(FAILED, "crash", f"Something unexpected went wrong ({text[:300]}). {where}")


def _write_down(error: BaseException, text: str, session: Session, words: list[str]) -> Path | None:
    """Append to the crash file of the home: its start-up, or its running."""
    from penstock.engine.clock import SystemClock

    home = session.opened.config.home if session.opened else session.place
    file = home / "data" / "crash_runtime.log" if session.opened else home / "crash_startup.log"
    stamp = SystemClock().wall().astimezone().isoformat(timespec="seconds")
    kind = next((word for word in words if not word.startswith("-")), "start")
    lines = "".join(traceback.format_exception(error))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8", errors="replace") as stream:
            stream.write(f"[{stamp}] kind={kind} error={text}\n{lines}\n")
    except OSError:
        print(lines, file=sys.stderr)
        return None
    return file
