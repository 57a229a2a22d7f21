"""What must not stand in any file of the project."""

from __future__ import annotations

import re
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest

from tests.house.source import ROOT, modules, shown

INDEX = re.compile(r"pypi\.org|pythonhosted|--(?:extra-)?index-url|--find-links|registry\.npmjs")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")


def test_no_file_names_a_package_index() -> None:
    assert _found(INDEX) == []


def test_no_file_holds_a_path_of_the_machine_it_was_written_on() -> None:
    places = {f"{place}/" for place in (ROOT.parent, Path.home()) if len(place.parts) > 1 and str(place) != "/tmp"}
    assert _found(re.compile("|".join(re.escape(place) for place in places) or r"(?!)")) == []


def test_no_module_is_unfinished() -> None:
    assert [shown(path) for path in modules() if UNFINISHED.search(path.read_text(encoding="utf-8"))] == []


def _found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}"
        for name, text in _texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


@lru_cache(maxsize=1)
def _texts() -> list[tuple[str, str]]:
    """Every tracked text file but this one, which has to spell the patterns."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this tree is no git checkout, so there is no list of tracked files")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    texts = []
    for path in files:
        if path == Path(__file__).resolve() or not path.is_file():
            continue
        data = path.read_bytes()
        if b"\0" not in data[:8000]:
            texts.append((shown(path), data.decode("utf-8", "replace")))
    return texts
