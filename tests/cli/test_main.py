from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from penstock import __version__
from penstock.cli.main import LATER, SECTIONS, main
from tests.cli.calling import call

NAMES = [name for part in SECTIONS.values() for name in part]


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom penstock.cli.main import main\n"
        "main.main(['--help'], prog_name='penstock', standalone_mode=False)\n"
        "heavy = {'django', 'pydantic', 'numpy', 'rich', 'PIL', 'psutil'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert [name for name in NAMES if f"\n  {name} " not in ran.stdout] == []


def test_no_verb_of_a_later_version_is_listed() -> None:
    listed = call("--help").out
    assert [name for name in LATER if f"\n  {name} " in listed] == []


@pytest.mark.parametrize("verb", [*LATER, "db copy"])
def test_a_verb_of_a_later_version_is_refused_in_one_sentence(verb: str) -> None:
    called = call(*verb.split(), "--to", "x")
    assert called.code == 2
    assert f"does not have `penstock {verb}` yet" in called.err
    assert called.err.count("\n") == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_command_helps_without_touching_a_home(name: str, tmp_path: Path) -> None:
    called = call("--home", tmp_path / "none", name, "--help")
    assert called.code == 0
    assert "Usage: penstock " + name in called.out
    assert not (tmp_path / "none").exists()


def test_the_one_line_helps_stand_on_real_commands() -> None:
    assert list(main.commands) == NAMES
    assert all(main.commands[name].name == name for name in NAMES)


def test_a_mistyped_command_names_its_neighbour() -> None:
    called = call("stats")
    assert called.code == 2
    assert "did you mean `status`?" in called.err


def test_a_mistyped_verb_of_a_group_names_its_neighbour() -> None:
    called = call("review", "aprove", "x", "1")
    assert (called.code, "did you mean `approve`?" in called.err) == (2, True)


def test_the_version_is_told_in_three_ways() -> None:
    assert call("--version").out == f"penstock {__version__}\n"
    assert call("version").out == f"penstock {__version__}\n"
    assert call("version", "--json").data == {"version": __version__}


@pytest.mark.parametrize("words", [("--json", "status", "nowhere"), ("status", "nowhere", "--json")])
def test_an_error_is_one_json_document_too(words: tuple[str, ...]) -> None:
    called = call(*words)
    assert called.code == 3
    assert json.loads(called.out)["error"]["code"] == "not_found"
    assert called.err.startswith("penstock: there is no site and no run 'nowhere'")


def test_a_missing_argument_says_how_to_get_help() -> None:
    called = call("history")
    assert called.code == 2
    assert "`penstock history --help` shows how" in called.err


@pytest.mark.parametrize("words", [(), ("review",)])
def test_without_a_command_there_is_help(words: tuple[str, ...]) -> None:
    called = call(*words)
    assert called.code == 2
    assert called.out.startswith("Usage: penstock")
    assert called.err == ""
    assert "command" in call("--json", *words).data["error"]["message"]


@pytest.mark.parametrize("family", ["site", "photos", "taxonomy", "target", "review", "config", "db"])
def test_no_one_line_help_is_cut_off(family: str) -> None:
    assert "..." not in call(family, "--help").out
