from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.documents import ROOT, documents, text


def _id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", documents(), ids=_id)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:)([^)\s#]*)(#[^)\s]*)?\)", document.read_text(encoding="utf-8"))
    assert [target for target, _ in links if target and not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", documents(), ids=_id)
def test_every_anchor_of_the_same_page_is_there(document: Path) -> None:
    body = document.read_text(encoding="utf-8")
    anchors = set(re.findall(r'<a id="(\w+)"></a>', body))
    assert [name for name in re.findall(r"\]\(#([^)\s]+)\)", body) if name not in anchors] == []


def test_every_document_is_in_the_index() -> None:
    index = text("docs/README.md")
    names = [path.name for path in (ROOT / "docs").glob("*.md") if path.name != "README.md"]
    assert [name for name in names if f"]({name})" not in index] == []


def test_the_changes_begin_with_the_version_of_the_package() -> None:
    version = tomllib.loads(text("pyproject.toml"))["project"]["version"]
    first = re.search(r"^## (\S+)", text("CHANGELOG.md"), re.M)
    assert first is not None
    assert first[1] == version


def test_every_target_of_the_makefile_says_what_it_does_and_works_from_the_readme() -> None:
    makefile = text("Makefile")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.M)
    assert phony is not None
    described = set(re.findall(r"^([a-z]+):.*## ", makefile, re.M))
    assert described == set(phony[1].split())
    assert set(re.findall(r"^make ([a-z]+)", text("README.md"), re.M)) <= described


def test_decisions_are_dated_and_in_order() -> None:
    dates = re.findall(r"^\*\*(\d{4}-\d\d-\d\d) — ", text("docs/decisions.md"), re.M)
    assert len(dates) >= 10
    assert dates == sorted(dates)


def test_every_module_that_a_document_names_exists() -> None:
    """Lines that say "not built yet" are promises."""
    rooms = "|".join(path.name for path in (ROOT / "src" / "penstock").iterdir() if path.is_dir())
    named = re.compile(rf"`(?:src/penstock/)?((?:{rooms})/[\w/]*(?:\.py)?)`")
    lines = [line for document in documents() for line in document.read_text(encoding="utf-8").splitlines()]
    paths = {path for line in lines if "not built yet" not in line for path in named.findall(line)}
    assert "engine/loop.py" in paths
    assert sorted(path for path in paths if not (ROOT / "src" / "penstock" / path).exists()) == []
