"""HTML of articles: a list of allowed tags, links that lead to web pages only, headings with ids."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from html.parser import HTMLParser

import nh3

TAGS = {
    "p", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "b", "i", "a", "blockquote", "code", "pre", "br",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_SPACE = re.compile(r"\s+")


def sanitised(text: str) -> str:
    """The HTML with allowed tags only, every heading with an id of its own. Scripts and styles go with what they hold;
    of other tags their text stays."""
    clean = nh3.clean(
        text,
        tags=TAGS,
        attributes={"a": {"href"}, "h2": {"id"}, "h3": {"id"}},
        url_schemes={"http", "https"},
        link_rel="noopener",
        clean_content_tags={"script", "style"},
    )
    return _with_ids(clean)


def _with_ids(text: str) -> str:
    taken: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        level, inside = found[1], found[2]
        taken.append(anchor(plain(inside), taken))
        return f'<h{level} id="{taken[-1]}">{inside}</h{level}>'

    return re.sub(r"<h([23])(?: id=\"[^\"]*\")?>(.*?)</h\1>", numbered, text, flags=re.S)


def anchor(text: str, taken: Sequence[str] = ()) -> str:
    """An id or part of an address for a text: ASCII letters, digits and hyphens, none that is taken."""
    apart = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    base = "-".join(re.findall(r"[a-z0-9]+", apart))[:80].strip("-") or "part"
    n, found = 1, base
    while found in taken:
        n += 1
        found = f"{base}-{n}"
    return found


class _Reader(HTMLParser):
    """Collects the text, and the headings of the second level."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.headings: list[tuple[str, str]] = []
        self._open: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts.append(" ")
        if tag == "h2":
            self._open = dict(attrs).get("id") or ""
            self.headings.append((self._open, ""))

    def handle_endtag(self, tag: str) -> None:
        self.texts.append(" ")
        if tag == "h2":
            self._open = None

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._open is not None:
            place, so_far = self.headings[-1]
            self.headings[-1] = (place, so_far + data)


def _read(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader


def plain(text: str) -> str:
    """The text of HTML, with single spaces."""
    return _SPACE.sub(" ", "".join(_read(text).texts)).strip()


def headings(text: str) -> list[tuple[str, str]]:
    """(id, text) of the headings of the second level, in order."""
    return [(place, _SPACE.sub(" ", said).strip()) for place, said in _read(text).headings]


def word_count(text: str) -> int:
    """How many words the text of the HTML has."""
    return len(plain(text).split())


def escaped(text: str) -> str:
    """Text as HTML shows it."""
    return html.escape(text)
