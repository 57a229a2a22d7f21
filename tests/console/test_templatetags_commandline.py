from __future__ import annotations

from pathlib import Path

import pytest

from penstock.console.templatetags.commandline import command


def test_a_command_is_shown_word_by_word_and_escaped(ledger_home: Path) -> None:
    assert command("penstock run <b>") == (
        '<code class="command"><span>penstock</span> <span>run</span> <span>&lt;b&gt;</span></code>'
    )


def test_a_command_names_the_home_that_a_terminal_would_not_find(
    ledger_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    assert f"<span>--home</span> <span>{ledger_home}</span> <span>run</span>" in command("penstock run rome")
