from __future__ import annotations

import re
from pathlib import Path

import pytest

import penstock.console

STATIC = Path(penstock.console.__file__).parent / "static"
SCRIPTS = sorted(STATIC.rglob("*.js"))
MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_short_and_makes_no_markup_from_text(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert MARKUP.findall(text) == []
    assert text.startswith("//")


def test_the_editor_names_no_module_that_is_not_there_and_none_is_left_over() -> None:
    folder = STATIC / "editor"
    named = {"main.js"}
    for script in folder.glob("*.js"):
        named |= set(re.findall(r'from "\./([\w.]+)"', script.read_text(encoding="utf-8")))
    assert named == {path.name for path in folder.glob("*.js")}


def test_every_id_that_a_script_asks_for_is_on_the_page() -> None:
    page = (STATIC.parent / "templates" / "console" / "editor.html").read_text(encoding="utf-8")
    there = {"boot", *re.findall(r'id="([\w-]+)"', page)}  # Django writes the element of `boot`
    asked: set[str] = set()
    for script in (STATIC / "editor").glob("*.js"):
        asked |= set(re.findall(r'byId\("([\w-]+)"\)', script.read_text(encoding="utf-8")))
    assert asked - there == set()
