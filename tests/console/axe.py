"""axe-core in the page that is open: its script lies in a development package, not in this repository."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests import services

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
TOLD = (
    "(all) => all.violations.map((one) => one.id + ': ' +"
    " one.nodes.slice(0, 5).map((node) => node.html.slice(0, 160)).join(' | '))"
)


def script() -> str:
    """The program of axe-core; a missing one is a missing service."""
    found = find_spec("axe_playwright_python")
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        services.require("axe-core")
    return (Path(places[0]) / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Any) -> list[str]:
    """What axe finds wrong with the page as it stands: rule, and the elements."""
    page.value(f"if (!window.axe) {{ {script()} }} 1")
    options = json.dumps({"runOnly": {"type": "tag", "values": TAGS}})
    return list(page.value(f"axe.run(document, {options}).then({TOLD})"))
