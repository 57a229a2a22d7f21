from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import call

KEY = "sk-canary-41b0aa9c-WXYZ"
LOCAL = "http://127.0.0.1:11434"


@pytest.fixture
def file(ledger_home: Path, tmp_path: Path) -> Path:
    assert call("site", "create", "alps", "--pipeline", "photos").code == 0
    place = tmp_path / "key"
    place.write_text(KEY + "\n", encoding="utf-8")
    return place


def test_a_provider_is_set_listed_and_removed_and_its_key_is_never_shown(file: Path) -> None:
    told = call("integration", "set", "alps", "openai", "--url", LOCAL, "--secret-file", file, "--allow-local")
    assert told.code == 0, told.err
    listed = call("--json", "integration", "list", "alps")
    assert listed.data["integrations"] == [{"name": "openai", "url": LOCAL, "key": "…WXYZ", "near": True}]
    assert KEY not in told.out + told.err + listed.out
    assert call("keys", "rotate").code == 0
    assert call("integration", "set", "alps", "openai", "--url", LOCAL + "/v1", "--keep", "--allow-local").code == 0
    assert call("integration", "remove", "alps", "openai").code == 0
    assert call("integration", "remove", "alps", "openai").code == 3
    assert "Set one" in call("integration", "list", "alps").out


def test_an_address_of_this_machine_needs_a_word(file: Path) -> None:
    told = call("integration", "set", "alps", "ollama", "--url", LOCAL, "--no-secret")
    assert told.code == 4
    assert "may allow it" in told.err


def test_a_key_is_not_taken_to_another_host(file: Path) -> None:
    call("integration", "set", "alps", "openai", "--url", LOCAL, "--secret-file", file, "--allow-local")
    told = call("integration", "set", "alps", "openai", "--url", "http://127.0.0.2:11434", "--keep", "--allow-local")
    assert told.code == 2
    assert "give it again" in told.err


def test_without_a_terminal_the_key_is_not_asked_for(file: Path) -> None:
    told = call("integration", "set", "alps", "openai", "--url", LOCAL, "--allow-local")
    assert told.code == 2
    assert "--secret-file" in told.err
