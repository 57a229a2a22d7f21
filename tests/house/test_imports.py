"""What import-linter cannot say. The layers themselves stand in pyproject.toml."""

from __future__ import annotations

import sys

from tests.house.source import PACKAGE, imports, modules, shown

BUCKETS = {"utils", "util", "common", "helpers", "misc", "shared"}


def test_the_engine_needs_the_standard_library_and_psutil_only() -> None:
    allowed = set(sys.stdlib_module_names) | {"psutil", "__future__"}
    strange = {
        f"{shown(path)} imports {name}"
        for path in modules()
        if path.is_relative_to(PACKAGE / "engine")
        for name in imports(path)
        if name.split(".")[0] not in allowed and not name.startswith("penstock.engine")
    }
    assert strange == set()


def test_no_module_is_a_bucket() -> None:
    assert [shown(path) for path in modules() if {path.stem, path.parent.name} & BUCKETS] == []


def test_nothing_is_pickled_and_no_process_pool_is_used() -> None:
    banned = {"pickle", "multiprocessing", "concurrent.futures.process"}
    assert [shown(path) for path in modules() if imports(path) & banned] == []


def test_every_module_says_what_it_is_for() -> None:
    texts = {path: path.read_text(encoding="utf-8").strip() for path in modules()}
    assert [shown(path) for path, text in texts.items() if text and not text.startswith('"""')] == []
