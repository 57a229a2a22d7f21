"""The configuration of a home: show and check."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

import click

from penstock.cli.lazy import Family, Leaf
from penstock.cli.session import Session


@click.group(cls=Family)
def config() -> None:
    """Show and check the configuration of the home."""


@config.command(cls=Leaf, home=False)
@click.pass_obj
def show(session: Session) -> int:
    """What is in force, and where each value comes from. Secrets are not part of it."""
    loaded = session.load()
    file = loaded.home / "penstock.toml"
    written = _keys(file)
    values = {key: {"value": value, "from": _source(key, written)} for key, value in asdict(loaded).items()}
    values["home"]["from"] = "--home" if session.home else values["home"]["from"]
    session.show.document({"file": str(file), "exists": file.exists(), "values": values})
    session.show.table(("key", "value", "from"), [(k, v["value"], v["from"]) for k, v in values.items()])
    session.show.say(f"File: {file}" + ("" if file.exists() else " (not there; defaults hold)"))
    return 0


def _keys(file: Any) -> set[str]:
    import tomllib

    return set(tomllib.loads(file.read_text(encoding="utf-8"))) if file.exists() else set()


def _source(key: str, written: set[str]) -> str:
    env = f"PENSTOCK_{key.upper()}"
    if env in os.environ:
        return env
    return "penstock.toml" if key in written else "default"


@config.command(cls=Leaf, home=False)
@click.pass_obj
def check(session: Session) -> int:
    """Check the configuration. A wrong key is named with its file and line (exit code 2)."""
    loaded = session.load()
    session.show.document({"ok": True, "home": str(loaded.home)})
    session.show.say(f"The configuration of {loaded.home} is in order.")
    return 0
