"""The source as the house rules see it: files, functions and imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "penstock"
SIDES = ("before_commit", "after_commit")


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method, with those inside it counted as its own lines."""

    where: str
    lines: int


def modules() -> list[Path]:
    """Every module of the package that is written by hand: migrations are not."""
    return sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)


def shown(path: Path) -> str:
    """The path as a message shows it."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions(path: Path) -> list[Function]:
    """Every function of the file that is not inside another one."""
    found = _outermost(tree(path), "")
    return [Function(f"{shown(path)}:{node.lineno} {name}", _length(node)) for name, node in found]


def functions_of(path: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function of the file that is not inside another one, with its name."""
    yield from _outermost(tree(path), "")


def declared_in(path: Path) -> list[str]:
    """The names that a module makes known when it is imported."""
    found = []
    for one in tree(path).body:
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call):
            kind = ast.unparse(one.value.func)
            names = (
                [ast.literal_eval(argument) for argument in one.value.args] if kind in ("declare", "commits") else []
            )
            found += names if kind == "declare" else [f"{name}.{side}" for name in names for side in SIDES]
    return found


def imports(path: Path) -> set[str]:
    """Every module that the file imports, wherever in the file, by its full name."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def _outermost(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from _outermost(child, f"{prefix}{child.name}.")
        else:
            yield from _outermost(child, prefix)


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
