"""What is installed is what is locked."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.house.source import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
BASE = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["build"], *EXTRAS["demo"]]
WANTED = {"demo": BASE, "dev": [*BASE, *EXTRAS["test"], *EXTRAS["dev"]]}


@pytest.mark.parametrize("lock", ["demo", "dev", "brisque", "axe"])
def test_every_pin_has_its_hashes(lock: str) -> None:
    pins = re.split(r"\n(?=\w)", _text(lock).strip())
    assert pins
    assert [pin.split()[0] for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []


@pytest.mark.parametrize("lock", WANTED)
def test_everything_that_the_package_asks_for_is_pinned(lock: str) -> None:
    pinned = {_name(pin) for pin in _pins(lock)}
    assert [wish for wish in WANTED[lock] if _name(wish) not in pinned] == []


def test_the_development_lock_holds_every_pin_of_the_demo_lock() -> None:
    assert _pins("demo") <= _pins("dev")


def _pins(lock: str) -> set[str]:
    """Name and version; in which environments they hold may be wider in the larger lock."""
    return {line.split()[0] for line in _text(lock).splitlines() if re.match(r"\w\S*==", line)}


def _text(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")


def _name(requirement: str) -> str:
    """The distribution's name as an index writes it (PEP 503)."""
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()
