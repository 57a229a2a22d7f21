"""What import-linter cannot say. The layers themselves stand in pyproject.toml."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

from tests.house.source import PACKAGE, imports, modules, shown, tree

ROOMS_WITH_CHILDREN = ("engine", "adapters", "pipelines")
"""The command line names its lazily imported commands in the same way, and they may know Django."""

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


def test_what_runs_in_a_child_loads_no_django() -> None:
    """A stage names the work of a child as "module:function": each such module is imported on its own."""
    children = sorted({"penstock.engine.child", *_named_as_children()})
    code = "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n    "
    code += "assert 'django' not in sys.modules, name"
    ran = subprocess.run([sys.executable, "-c", code, *children], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr


def _named_as_children() -> set[str]:
    strings = (
        node.value
        for path in modules()
        if path.relative_to(PACKAGE).parts[0] in ROOMS_WITH_CHILDREN
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {text.partition(":")[0] for text in strings if re.fullmatch(r"penstock(\.\w+)+:\w+", text)}
