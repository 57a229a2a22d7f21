"""Stages 6 and 7: pictures, each with its own tries, and articles that wait for a person once theirs are settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from penstock.adapters.folders import make_folder
from penstock.engine.outcome import Done, Outcome
from penstock.engine.pipeline import Item
from penstock.ledger import rows
from penstock.pipelines.content.models import Article, Image
from penstock.pipelines.content.settings import of

MISSING = "image-missing"


def load(context: Any, ids: Sequence[int]) -> list[Item]:
    """What to draw and where to put it."""
    s, folder = of(context.run.plan), context.run.site.root / "content" / "images"
    make_folder(context.work_dir)
    found = rows.read("image", ids)
    titles = dict(Article.objects.filter(id__in=[row["article"] for row in found]).values_list("id", "title"))
    return [
        {
            "id": row["id"],
            "title": titles.get(row["article"], ""),
            "text": row["alt"],
            "place": row["place"],
            "size": [s.image_width, s.image_height],
            "path": str(folder / str(row["article"]) / f"{row['place']}.jpg"),
            "work_path": str(context.work_dir / f"{row['id']}.jpg"),
        }
        for row in found
    ]


def load_settled(context: Any, ids: Sequence[int]) -> list[Item]:
    """Articles with how many of their pictures could not be made."""
    lost = Image.objects.filter(article__in=ids).exclude(state="done").values_list("article", flat=True)
    missing = Counter(lost)
    found = Article.objects.filter(id__in=ids).order_by("ordinal", "id").values("id", "flags")
    return [{**row, "missing": missing[row["id"]]} for row in found]


def wait(article: Item) -> Outcome:
    """The gate: flagged when a picture is missing."""
    flags = [flag for flag in article["flags"] if flag != MISSING]
    return Done({"flags": [*flags, *([MISSING] if article["missing"] else [])]})
