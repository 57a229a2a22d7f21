"""Stages 4 and 5, offline: a task becomes an article, and the article says which pictures it wants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from penstock.engine.outcome import Done, Outcome, Row
from penstock.engine.pipeline import Item
from penstock.ledger import rows
from penstock.pipelines.content import offline
from penstock.pipelines.content.markup import anchor, headings, sanitised, word_count
from penstock.pipelines.content.models import Article
from penstock.pipelines.content.settings import of

STRIDE = 10  # ordinals of images: those of their article, apart


def load_tasks(context: Any, ids: Sequence[int]) -> list[Item]:
    """Tasks, each with an address that no article of the site has. What takes one meanwhile makes the unique index
    refuse, and the task is tried again."""
    items, slugs = [], set[str]()
    for row in rows.read("task", ids):
        item = {name: row[name] for name in ("id", "title", "brief", "outline", "keywords", "ordinal")}
        item["slug"] = _free(context.run.site_id, anchor(row["title"]), slugs)
        slugs.add(item["slug"])
        items.append(item)
    return items


def _free(site: int, base: str, more: Iterable[str]) -> str:
    there = Article.objects.filter(site=site, slug__startswith=base).values_list("slug", flat=True)
    return anchor(base, [*there, *more])


def write(task: Item) -> Outcome:
    """An article from the offline templates."""
    written = offline.article(task["title"], task["brief"], task["outline"], task["keywords"])
    return accepted(task, written, offline.MADE, flags=["sample"])


def accepted(task: Item, written: dict[str, Any], made: dict[str, str], *, flags: Sequence[str] = ()) -> Outcome:
    """The article of a task, with allowed HTML only."""
    html = sanitised(written["html"])
    n = word_count(html)
    fields = {
        **{name: written[name] for name in ("title", "meta_description", "excerpt")},
        **made, "html": html, "word_count": n, "slug": task["slug"], "task": task["id"],
        "keywords": task["keywords"], "ordinal": task["ordinal"], "flags": list(flags),
    }  # fmt: skip
    counts = {"tasks_processed": 1, "content_created": 1, "total_words": n}
    return Done({}, (Row("article", "0", fields),), counts=counts)


def load_articles(context: Any, ids: Sequence[int]) -> list[Item]:
    """Articles with how many pictures they may have."""
    n = of(context.run.plan).images_per_article
    columns = ("id", "title", "html", "ordinal")
    found = Article.objects.filter(id__in=ids).order_by("ordinal", "id").values(*columns)
    return [{**row, "n": n} for row in found]


def prompt(article: Item) -> Outcome:
    """One featured picture, and one for each of the first headings. The article waits for all of them."""
    wanted = offline.prompts(article["title"], headings(article["html"]), article["n"])
    base = article["ordinal"] * STRIDE
    images = tuple(
        Row(
            "image", str(one["place"]),
            {**one, "alt": one["alt"][:300], "article": article["id"], "ordinal": base + one["place"],
             "waits_for_me": True},
        )
        for one in wanted
    )  # fmt: skip
    return Done({}, images, counts={"content_processed": 1, "prompts_created": len(images)})
