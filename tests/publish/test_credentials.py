from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.engine.errors import UsageError

if TYPE_CHECKING:
    from tests.publish.desk import Desk


def test_a_password_is_read_from_a_file_of_one_line(ledger_home: Path, tmp_path: Path) -> None:
    from penstock.publish import credentials

    file = tmp_path / "password"
    file.write_text(" ünsafe word \n", encoding="utf-8")
    assert credentials.given("herons", "web", file) == " ünsafe word "
    for bad in (b"", b"\n", b"one\ntwo", b"a\x00b", b"\xff"):
        file.write_bytes(bad)
        with pytest.raises(UsageError, match="--secret-file"):
            credentials.given("herons", "web", file)
    with pytest.raises(UsageError, match="cannot be read"):
        credentials.given("herons", "web", tmp_path / "none")


def test_the_environment_wins_over_the_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock.publish import credentials, targets

    target = targets.named(desk.site, "files")
    assert credentials.of(target) == ""
    credentials.keep(target, "kept")
    credentials.keep(target, "kept anew")
    assert credentials.of(target) == "kept anew"
    assert credentials.variable("my-site", "web.1") == "PENSTOCK_SECRET_MY_SITE_WEB_1"
    monkeypatch.setenv("PENSTOCK_SECRET_HERONS_FILES", "from outside")
    assert credentials.of(target) == "from outside"
    credentials.forget(target)
    monkeypatch.delenv("PENSTOCK_SECRET_HERONS_FILES")
    assert credentials.of(target) == ""
