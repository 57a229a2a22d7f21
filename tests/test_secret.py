from __future__ import annotations

from pathlib import Path

import pytest

from penstock.engine.failpoint import SimulatedCrash, armed
from penstock.secret import secret_key


def test_a_key_is_made_once_durably_and_kept_from_others(tmp_path: Path, synced: list[Path]) -> None:
    home = tmp_path / "home"
    key = secret_key(home)
    assert secret_key(home) == key
    parent, part, last = synced
    assert (parent, part.parent, last) == (tmp_path, home, home)
    assert part.name.startswith("secret.key.")
    assert (home / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in home.iterdir()] == ["secret.key"]


def test_a_program_that_dies_while_it_makes_the_key_leaves_no_half_one(tmp_path: Path) -> None:
    with pytest.raises(SimulatedCrash), armed("secret.before_fsync=crash"):
        secret_key(tmp_path)
    assert len(secret_key(tmp_path)) > 50


def test_of_two_that_make_the_key_at_once_the_first_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(part: Path, file: Path) -> None:
        file.write_text("the key of the first")
        raise FileExistsError

    monkeypatch.setattr("os.link", late)
    assert secret_key(tmp_path) == "the key of the first"


def test_a_file_system_without_links_holds_a_key_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    assert len(secret_key(tmp_path)) > 50
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]
