from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from tests.house.source import ROOT, functions, modules, shown

FILE_LINES = 400
FUNCTION_LINES = 40
MEDIAN_LINES = 8

EXCUSED: dict[str, str] = {}
"""What may be longer → why, in a sentence. Keys: `src/penstock/x.py` or `src/penstock/x.py function`."""


def test_no_file_is_longer_than_400_lines() -> None:
    long = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in map(shown, modules())}
    assert {path: n for path, n in long.items() if n > FILE_LINES and path not in EXCUSED} == {}


def test_no_function_is_longer_than_40_lines() -> None:
    long = {_key(f.where): f.lines for path in modules() for f in functions(path) if f.lines > FUNCTION_LINES}
    assert {where: lines for where, lines in long.items() if where not in EXCUSED} == {}


def test_the_median_function_has_at_most_8_lines() -> None:
    assert statistics.median(f.lines for path in modules() for f in functions(path)) <= MEDIAN_LINES


def test_every_excuse_has_a_reason_and_is_still_needed() -> None:
    files = {shown(path) for path in modules()}
    keys = files | {_key(f.where) for path in modules() for f in functions(path)}
    assert set(EXCUSED) <= keys
    assert all(len(reason.split()) >= 4 for reason in EXCUSED.values())


def test_the_ruler_counts_a_function_with_those_inside_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "one.py"
    file.write_text("class A:\n    def f(self):\n        def g():\n            return 1\n        return g\n")
    monkeypatch.setattr("tests.house.source.ROOT", tmp_path)
    assert [(f.where, f.lines) for f in functions(file)] == [("one.py:2 A.f", 4)]


def _key(where: str) -> str:
    """The place without its line number, which changes with every edit above it."""
    file, _, rest = where.partition(":")
    return f"{file} {rest.partition(' ')[2]}"
