from __future__ import annotations

import errno
import sqlite3
from pathlib import Path
from typing import Any

import click
import pytest

from penstock.cli import errors
from penstock.cli.session import Session
from penstock.config import ConfigError
from penstock.engine.errors import Blocking, IllegalMove, NotFound, Refused, Unavailable, UsageError
from tests.cli.calling import call, shell


def ended(error: BaseException, tmp_path: Path) -> int:
    def work() -> Any:
        raise error

    return errors.guard(work, Session(home=tmp_path), ["run", "alps"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (ConfigError("x"), 2),
        (click.UsageError("x"), 2),
        (NotFound("x"), 3),
        (Refused("x"), 4),
        (IllegalMove("x"), 4),
        (Unavailable("x"), 5),
        (sqlite3.OperationalError("database is locked"), 5),
        (sqlite3.DatabaseError("file is not a database"), 5),
        (Blocking("x"), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (PermissionError(errno.EACCES, "Permission denied", "/somewhere"), 2),
    ],
)
def test_an_expected_error_has_its_exit_code_and_leaves_no_crash_file(
    error: BaseException, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(error, tmp_path) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("penstock: ")
    assert "Traceback" not in said.err
    assert list(tmp_path.rglob("crash*")) == []


def test_what_nobody_expected_goes_to_the_startup_file_and_into_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(ValueError("odd\nthing"), tmp_path) == 1
    file = tmp_path / "crash_startup.log"
    text = file.read_text(encoding="utf-8")
    assert text.startswith("[20")
    assert "] kind=run error=ValueError: odd thing\nTraceback" in text
    said = capsys.readouterr().err
    assert str(file) in said
    assert said.count("\n") == 1


def test_once_the_home_is_open_a_crash_goes_to_the_runtime_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_name: str) -> None:
        raise ZeroDivisionError("planted")

    call("site", "list")
    monkeypatch.setattr("penstock.accounts.models.site_named", broken)
    called = call("history", "any")
    assert called.code == 1
    file = home / "data" / "crash_runtime.log"
    assert str(file) in called.err
    assert "kind=history error=ZeroDivisionError: planted" in file.read_text(encoding="utf-8")


def test_a_wrong_key_in_the_configuration_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "penstock.toml").write_text("port = 80\ncolour = 'red'\n", encoding="utf-8")
    called = call("--home", tmp_path, "config", "check")
    assert called.code == 2
    assert "penstock.toml, line 2: unknown key `colour`" in called.err


def test_a_home_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    called = shell(tmp_path / "file" / "home", "site", "list")
    assert called.code == 2
    assert "Traceback" not in called.err
    assert "file" in called.err


def test_a_database_that_is_none_is_a_sentence_that_names_the_way_back(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "review.db").write_bytes(b"this is no database at all" * 100)
    called = shell(tmp_path, "site", "list")
    assert called.code == 5
    assert "penstock db restore FILE" in called.err
