"""Where a crash, a full disk or a lost server would hurt, a test can make it happen."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.house.source import SIDES, declared_in, functions_of, imports, modules, shown, tree

DURABLE = {"os.fsync", "os.replace", "os.rename", "os.link", "subprocess.Popen"}
HELPERS = {"penstock.ledger.tx", "penstock.accounts.tx"}
EXCUSED = {
    ("src/penstock/adapters/files.py", "_rename"): "both of its callers have failpoints around it",
}


class Call(NamedTuple):
    """A call with its first argument, when that is a literal text."""

    line: int
    name: str
    text: str | None


def calls(node: ast.AST) -> list[Call]:
    """Every call below `node` by its dotted name, in the order of lines."""
    return sorted(_calls(node), key=lambda call: call.line)


def _calls(node: ast.AST) -> Iterator[Call]:
    for one in ast.walk(node):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name | ast.Attribute):
            first = one.args[0] if one.args else None
            yield Call(one.lineno, ast.unparse(one.func), getattr(first, "value", None))


def writes() -> Iterator[tuple[Path, Call]]:
    for path in modules():
        if HELPERS & imports(path):
            names = {a.asname or a.name for n in ast.walk(tree(path)) if isinstance(n, ast.ImportFrom)
                     and n.module in HELPERS for a in n.names if a.name == "write"}  # fmt: skip
            yield from ((path, call) for call in calls(tree(path)) if call.name in names)


def test_each_transaction_has_a_literal_name_that_its_module_declares() -> None:
    found = list(writes())
    unnamed = [f"{shown(path)}:{call.line}" for path, call in found if not isinstance(call.text, str)]
    assert unnamed == []
    unknown = [
        f"{shown(path)}:{call.line} {call.text}"
        for path, call in found
        if not {f"{call.text}.{side}" for side in SIDES} <= set(declared_in(path))
    ]
    assert unknown == []
    assert len(found) > 30


def test_no_two_transactions_have_the_same_name() -> None:
    twice = [name for name, n in Counter(call.text for _, call in writes()).items() if n > 1]
    assert twice == []


def test_a_name_is_declared_once_and_by_the_module_that_uses_it() -> None:
    twice, unused, unknown, written = Counter[str](), [], [], list(writes())
    for path in modules():
        there, named = declared_in(path), {call.text for call in calls(tree(path)) if call.name == "failpoint"}
        used = {name for name in named if isinstance(name, str)}
        used |= {f"{call.text}.{side}" for where, call in written if where == path for side in SIDES}
        twice.update(there)
        unused += [f"{shown(path)} {name}" for name in there if name not in used]
        unknown += [f"{shown(path)} {name}" for name in used if name not in there]
    assert [name for name, n in twice.items() if n > 1] == []
    assert (unused, unknown) == ([], [])
    assert len(twice) > 100


def test_what_makes_bytes_or_names_durable_has_a_failpoint_before_and_after() -> None:
    bare = []
    for path in modules():
        for name, node in functions_of(path):
            inside = calls(node)
            points = [call.line for call in inside if call.name == "failpoint"]
            for call in inside:
                around = any(line < call.line for line in points) and any(line > call.line for line in points)
                if call.name in DURABLE and not around and (shown(path), name) not in EXCUSED:
                    bare.append(f"{shown(path)}:{call.line} {call.name}")
    assert bare == []


def test_every_excuse_is_still_needed() -> None:
    there = {(shown(path), name) for path in modules() for name, node in functions_of(path) if _durable(node)}
    assert set(EXCUSED) <= there


def _durable(node: ast.AST) -> bool:
    return any(call.name in DURABLE for call in calls(node))


def test_names_are_published_by_os_functions_only() -> None:
    """`Path.rename` and its like would escape this test."""
    by_path = [
        f"{shown(path)}:{call.line} {call.name}"
        for path in modules()
        for call in calls(tree(path))
        if call.name.rsplit(".", 1)[-1] in ("hardlink_to", "symlink_to")
    ]
    assert by_path == []
