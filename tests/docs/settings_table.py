"""The table of a photo site's settings, as the program describes them.

python -m tests.docs.settings_table    # writes it into docs/settings.md
"""

from __future__ import annotations

from penstock.pipelines.photos import settings
from tests.docs.documents import ROOT, text

PAGE = "docs/settings.md"
HEAD = "| key | default | meaning |\n|---|---|---|\n"


def written() -> str:
    """The whole page with the table as it should be."""
    before, title, rest = text(PAGE).partition("## Of a photo site")
    intro, head, _ = rest.partition(HEAD)
    after = rest.partition("\n## ")[2]
    rows = "".join(_row(*one) for one in settings.describe())
    return f"{before}{title}{intro}{head}{rows}\n## {after}"


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
