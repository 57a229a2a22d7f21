from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.engine.errors import UsageError

if TYPE_CHECKING:
    from tests.publish.desk import Desk


def test_a_kept_password_is_read_by_its_owner_only_and_forgotten_when_told(ledger_home: Path) -> None:
    from penstock.publish import passwords

    passwords.keep("herons", "web", "grey ❤ heron")
    file = ledger_home / "secrets" / "herons.web"
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    assert passwords.of("herons", "web") == "grey ❤ heron"
    passwords.keep("herons", "web", "")
    assert (passwords.of("herons", "web"), file.exists()) == ("", False)


def test_the_environment_wins_over_what_was_kept(ledger_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock.publish import passwords

    passwords.keep("two-herons", "web", "kept")
    assert passwords.variable("two-herons", "web") == "PENSTOCK_SECRET_TWO_HERONS__WEB"
    monkeypatch.setenv("PENSTOCK_SECRET_TWO_HERONS__WEB", "given")
    assert passwords.of("two-herons", "web") == "given"


@pytest.mark.parametrize(("data", "kept"), [(b"abc\n", "abc"), (b"a b\r\n", "a b"), (b" abc", " abc")])
def test_a_file_loses_the_end_of_its_line_only(tmp_path: Path, data: bytes, kept: str) -> None:
    from penstock.publish import passwords

    (tmp_path / "file").write_bytes(data)
    assert passwords.read(tmp_path / "file") == kept


@pytest.mark.parametrize("data", [b"\xff\xfeabc", b"a\0bc", b"abc" * 2000])
def test_a_file_that_holds_no_password_is_refused_without_repeating_it(tmp_path: Path, data: bytes) -> None:
    from penstock.publish import passwords

    (tmp_path / "file").write_bytes(data)
    with pytest.raises(UsageError) as caught:
        passwords.read(tmp_path / "file")
    assert "abc" not in str(caught.value)


def test_a_kind_without_a_password_refuses_one(desk: Desk, tmp_path: Path) -> None:
    from penstock.publish import targets

    with pytest.raises(UsageError, match="a folder target takes no password"):
        targets.add(desk.site, "x", "folder", str(tmp_path / "x"), {}, "abc")
    with pytest.raises(UsageError, match="takes no password"):
        targets.change_secret(targets.named(desk.site, "table"), "abc")
