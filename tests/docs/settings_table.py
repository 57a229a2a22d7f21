"""The tables of the sites' settings, as the program describes them.

python -m tests.docs.settings_table    # writes them into docs/settings.md
"""

from __future__ import annotations

from importlib import import_module

from tests.docs.documents import ROOT, text

PAGE = "docs/settings.md"
HEAD = "| key | default | meaning |\n|---|---|---|\n"
TITLES = {"photos": "## Of a photo site", "content": "## Of a content site"}


def written() -> str:
    """The whole page with the tables as they should be."""
    page = text(PAGE)
    for pipeline, title in TITLES.items():
        before, found, rest = page.partition(title)
        assert found, f"{PAGE} has no {title!r}"
        intro, head, _ = rest.partition(HEAD)
        after = rest.partition("\n## ")[2]
        described = import_module(f"penstock.pipelines.{pipeline}.settings").describe()
        rows = "".join(_row(*one) for one in described)
        page = f"{before}{title}{intro}{head}{rows}\n## {after}"
    return page


def _row(key: str, default: object, meaning: str) -> str:
    return f"| `{key}` | {_shown(default)} | {meaning.replace('|', chr(92) + '|')} |\n"


def _shown(default: object) -> str:
    """A default as it would be typed after `penstock site set NAME key=`."""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return f"`{'x'.join(map(str, default))}`"
    return f"`{default:g}`" if isinstance(default, int | float) else f"`{default}`" if default else "empty"


if __name__ == "__main__":
    (ROOT / PAGE).write_text(written(), encoding="utf-8")
