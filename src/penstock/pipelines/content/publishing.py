"""How an article is published: a folder of its own with the page, the text with front matter, and the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock.pipelines.content.gatekeeping import EDITABLE, pictures
from penstock.publish.form import Form

MAKER = "penstock.pipelines.content.page:render"


def form() -> Form:
    """Articles go to targets for files only."""
    return Form("article", parcel, published, lambda row, _full: dict(row), rows=False)


def parcel(row: Mapping[str, Any], settings: Mapping[str, Any], base: str) -> dict[str, Any]:
    """What is delivered of an approved article. The page is the part that comes last: who sees it finds the rest."""
    own, shown = str(row["slug"]), [_shown(one) for one in pictures(row["id"])]
    places = {"source": f"{own}/index.md", **{one["part"]: f"{own}/{one['name']}" for one in shown}}
    article = {name: row[name] for name in (*EDITABLE, "provider", "model")}
    article["language"] = str(settings.get("language", "en"))
    public = str(settings.get("public_url_base", "") or base)
    return {
        "title": row["title"],
        "places": {**places, "full": f"{own}/index.html"},
        "render": {"maker": MAKER, "article": article, "pictures": shown},
        "row": {},
        "before": {"url": row["url"]},
        "address": f"{public.rstrip('/')}/{own}/index.html" if public else f"{own}/index.html",
    }


def published(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What an article's own row says once it is published."""
    return {"url": payload["address"]}


def _shown(picture: Mapping[str, Any]) -> dict[str, Any]:
    name = "featured" if picture["place"] == 0 else f"picture-{picture['place']}"
    return {**picture, "part": name, "name": f"{name}{Path(picture['path']).suffix}"}
