from __future__ import annotations

from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from penstock.engine.errors import ItemError
from penstock.engine.outcome import Done
from penstock.pipelines.content import page

ARTICLE = {
    "title": 'Tea & "pots" <b>', "slug": "tea", "meta_description": "All: of it", "excerpt": "e", "keywords": ["a: b"],
    "html": '<h2 id="one">One</h2><p>first</p><h2 id="two">Two</h2><p>second</p>', "provider": "p", "model": "m",
    "language": "en",
}  # fmt: skip


def picture(anchor: str, name: str, **more: Any) -> dict[str, Any]:
    return {"anchor": anchor, "name": name, "alt": 'an "alt"', "part": name.partition(".")[0], **more}


def test_each_picture_stands_below_its_heading_and_one_without_at_the_end() -> None:
    found = page.body(ARTICLE, [picture("", "f.jpg"), picture("two", "b.jpg"), picture("gone", "c.jpg")])
    assert "f.jpg" not in found
    assert found.index("</h2><figure") > found.index("first")
    assert found.index("b.jpg") < found.index("second") < found.index("c.jpg")


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_texts_of_the_page_are_text() -> None:
    tags = Tags(page.page(ARTICLE, [picture("", "f.jpg")])).found
    assert "b" not in {tag for tag, _ in tags}
    assert ("img", {"src": "f.jpg", "alt": 'an "alt"'}) in tags
    assert ("html", {"lang": "en"}) in tags


def test_front_matter_holds_one_value_a_line_whatever_the_texts_hold() -> None:
    lines = page.front({**ARTICLE, "title": 'a: "b"\n---\nx'}, [picture("", "f.jpg")]).split("\n")
    assert lines[:2] == ["---", r'title: "a: \"b\"\n---\nx"']
    assert lines.index("---", 1) == 9
    assert 'image: "f.jpg"' in lines


def test_a_picture_that_is_not_the_approved_one_is_not_published(tmp_path: Path) -> None:
    (tmp_path / "f.jpg").write_bytes(b"picture")
    sha = sha256(b"picture").hexdigest()
    one = picture("", "f.jpg", path=str(tmp_path / "f.jpg"), sha256=sha)
    paths = {f"{part}_path": str(tmp_path / part) for part in ("full", "source", "f")}
    item = {"id": 4, "article": ARTICLE, "pictures": [one], "work_dir": str(tmp_path / "work"), **paths}
    done = page.render("render", item, lambda _note: None)
    assert isinstance(done, Done)
    assert {file.path for file in done.files} == set(paths.values())
    assert done.fields["rendered"]["f"] == {"sha256": sha, "size": 7}
    (tmp_path / "f.jpg").write_bytes(b"another")
    with pytest.raises(ItemError, match="changed since"):
        page.render("render", item, lambda _note: None)
