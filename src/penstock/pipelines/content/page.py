"""What the child of a publish run makes of an article: a page that opens in a browser, the same text with front matter
for a site generator, and its pictures beside both. No Django here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from penstock.adapters.files import content, write_bytes
from penstock.adapters.folders import make_folder
from penstock.engine.errors import ItemError
from penstock.engine.outcome import Done, File, Outcome
from penstock.engine.pipeline import Item, Progress

STYLE = (
    "body{font:1.06rem/1.6 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#222;"
    "background:#fff}img{max-width:100%;height:auto}figure{margin:1.5rem 0}h1,h2,h3{line-height:1.25}"
)


def render(_stage: str, item: Item, progress: Progress) -> Outcome:
    """Write every part of the article to the batch's folder. Raises ItemError `changed` when a picture is no longer
    the one that was approved."""
    article, pictures = item["article"], item["pictures"]
    parts = {"full": page(article, pictures).encode(), "source": front(article, pictures).encode()}
    for picture in pictures:
        parts[picture["part"]] = _same(picture)
        progress("picture read")
    made: dict[str, Any] = {}
    files: list[File] = []
    for part, data in parts.items():
        work = Path(item["work_dir"]) / str(item["id"]) / part
        make_folder(work.parent)
        made[part] = dict(write_bytes(work, data))
        files.append(File(str(work), item[f"{part}_path"], made[part]["sha256"], made[part]["size"]))
    return Done({"rendered": made}, files=tuple(files))


def page(article: Mapping[str, Any], pictures: Sequence[Mapping[str, Any]]) -> str:
    """The whole page. Texts are escaped; the body was sanitised before it was approved."""
    title, told = escape(article["title"]), escape(article["meta_description"])
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    head += (
        f'<meta name="description" content="{told}"><meta name="generator" content="Penstock"><style>{STYLE}</style>'
    )
    lead = "".join(figure(one) for one in pictures if not one["anchor"])
    main = f"<article><h1>{title}</h1>{lead}{body(article, pictures)}</article>"
    language = escape(article["language"])
    return f'<!doctype html>\n<html lang="{language}"><head>{head}</head><body><main>{main}</main></body></html>\n'


def body(article: Mapping[str, Any], pictures: Sequence[Mapping[str, Any]]) -> str:
    """The text with each picture below its heading; one whose heading is gone stands at the end."""
    html, left = str(article["html"]), []
    for one in (picture for picture in pictures if picture["anchor"]):
        found = re.search(rf'<h2 id="{re.escape(one["anchor"])}">.*?</h2>', html, re.S)
        if found is None:
            left.append(figure(one))
        else:
            html = html[: found.end()] + figure(one) + html[found.end() :]
    return html + "".join(left)


def figure(picture: Mapping[str, Any]) -> str:
    """A picture beside the page."""
    return f'<figure><img src="{escape(picture["name"])}" alt="{escape(picture["alt"])}"></figure>'


def front(article: Mapping[str, Any], pictures: Sequence[Mapping[str, Any]]) -> str:
    """The text below YAML front matter, as Hugo, Jekyll and Eleventy read it: each value is a JSON value, which YAML
    reads as the same."""
    featured = next((one["name"] for one in pictures if not one["anchor"]), "")
    fields = {
        "title": article["title"], "slug": article["slug"], "description": article["meta_description"],
        "summary": article["excerpt"], "keywords": article["keywords"], "image": featured,
        "provider": article["provider"], "model": article["model"],
    }  # fmt: skip
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    return "\n".join(["---", *lines, "---", "", body(article, pictures), ""])


def _same(picture: Mapping[str, Any]) -> bytes:
    """The bytes of a picture, which must be those that were approved."""
    if content(picture["path"]) != picture["sha256"]:
        raise ItemError(f"{picture['path']} changed since it was approved", code="changed")
    return Path(picture["path"]).read_bytes()
