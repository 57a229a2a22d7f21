"""Tests mirror the source, so that the tests of a module are where a reader looks first."""

from __future__ import annotations

from pathlib import Path

from tests.house.source import PACKAGE, ROOT

OWN_SUBJECT = {"conformance", "crash", "defects", "docs", "doors", "house", "proof", "stubs"}
"""Folders that test a promise across modules instead of one module."""

ACROSS_A_ROOM = {
    "adapters/photo/test_damaged.py": "damaged files through every module that reads one",
    "pipelines/photos/test_acceptance.py": "strange files through the whole pipeline",
    "pipelines/photos/test_acceptance_commands.py": "wrong input to every command for photos",
}
"""Test files about a whole room → what they hold it to."""


def test_every_test_file_has_its_module() -> None:
    tests = [path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")]
    mirrored = [path for path in tests if path.parts[0] not in OWN_SUBJECT]
    assert {path.as_posix() for path in mirrored if not _module(path)} - set(ACROSS_A_ROOM) == set()


def test_the_mirror_takes_a_module_a_package_and_a_part_of_either_and_nothing_else() -> None:
    assert _module(Path("engine/test_states.py"))
    assert _module(Path("test_engine.py"))
    assert _module(Path("engine/test_states_of_runs.py"))
    assert not _module(Path("engine/test_stat.py"))


def _module(test: Path) -> bool:
    """Whether tests/a/test_b_c.py has a module a/b_c, or a/b of which it tests a part."""
    words = test.stem.removeprefix("test_").split("_")
    folder = PACKAGE / test.parent
    stems = ["_".join(words[:end]) for end in range(len(words), 0, -1)]
    return any((folder / f"{stem}.py").is_file() or (folder / stem).is_dir() for stem in stems)
