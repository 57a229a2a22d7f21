from __future__ import annotations

import sys

import click
import pytest

from penstock.cli.lazy import Family, Lazy


def test_a_command_is_imported_when_it_is_asked_for_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "penstock.cli.settings", raising=False)
    commands = Lazy({"config": "penstock.cli.settings:config"})
    assert list(commands) == ["config"]
    assert "config" in commands
    assert "penstock.cli.settings" not in sys.modules
    assert commands["config"].name == "config"
    assert "penstock.cli.settings" in sys.modules


def test_commands_can_be_added_and_taken_away() -> None:
    commands = Lazy({"config": "penstock.cli.settings:config"})
    commands["more"] = click.Command("more")
    assert (len(commands), commands["more"].name) == (2, "more")
    del commands["config"]
    assert list(commands) == ["more"]


def test_a_family_lists_its_commands_as_declared() -> None:
    family = Family("f", commands={"zeta": click.Command("zeta"), "alpha": click.Command("alpha")})
    assert family.list_commands(click.Context(family)) == ["zeta", "alpha"]
