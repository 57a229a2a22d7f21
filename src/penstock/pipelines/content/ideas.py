"""Stages 2 and 3: clusters have ideas, and each idea becomes one writing task unless the site has it already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from penstock.engine.outcome import Done, Outcome, Quarantine, Row
from penstock.engine.pipeline import Item
from penstock.ledger import rows
from penstock.pipelines.content import offline
from penstock.pipelines.content.duplicates import Titles
from penstock.pipelines.content.models import Cluster, Idea, Keyword
from penstock.pipelines.content.settings import of

MOST = 12  # keywords of a cluster that its ideas are told
STRIDE = 100  # ordinals of ideas: those of their cluster, apart


def load_clusters(context: Any, ids: Sequence[int]) -> list[Item]:
    """Clusters with their most searched keywords."""
    found: dict[int | None, list[str]] = defaultdict(list)
    keywords = Keyword.objects.filter(cluster__in=ids).order_by("-volume", "ordinal", "id")
    for row in keywords.values("cluster", "keyword"):
        if len(found[row["cluster"]]) < MOST:
            found[row["cluster"]].append(row["keyword"])
    n = of(context.run.plan).ideas_per_cluster
    clusters = Cluster.objects.filter(id__in=ids).order_by("ordinal", "id").values("id", "name", "ordinal")
    return [{**one, "keywords": found[one["id"]], "n": n} for one in clusters]


def think(cluster: Item) -> Outcome:
    """Offline ideas for one cluster."""
    made = offline.ideas(cluster["name"], cluster["keywords"] or [cluster["name"]], cluster["n"])
    base = cluster["ordinal"] * STRIDE
    ideas = tuple(
        Row("idea", str(n), {**one, **offline.MADE, "cluster": cluster["id"], "ordinal": base + n})
        for n, one in enumerate(made)
    )
    return Done({}, ideas, counts={"clusters_processed": 1, "ideas_created": len(ideas)})


class Assigning:
    """Stage 3 of one run: it knows the titles of the site's ideas, read once and then as they come."""

    def __init__(self, percent: int) -> None:
        self._percent, self._titles, self._read = percent, Titles(), 0

    def load(self, context: Any, ids: Sequence[int]) -> list[Item]:
        """Ideas, each with an older one that says nearly the same, if there is one."""
        newer = Idea.objects.filter(site=context.run.site_id, id__gt=self._read, id__lte=max(ids)).order_by("id")
        for number, title in newer.values_list("id", "title").iterator():
            self._titles.add(number, title)
            self._read = number
        return [self._item(context.run, row) for row in rows.read("idea", ids)]

    def _item(self, run: Any, row: dict[str, Any]) -> Item:
        item = {name: row[name] for name in ("id", "title", "brief", "outline", "keywords", "ordinal")}
        insisted = bool(run.retry_of) and row["made_by"] != run.id  # a person retried what was set aside
        return {**item, "twin": None if insisted else self._titles.like(row["id"], row["title"], self._percent)}


def assign(idea: Item) -> Outcome:
    """One task; an idea that the site has nearly so already is set aside for a person, who may retry it."""
    if idea["twin"]:
        return Quarantine(
            f"it says nearly the same as idea {idea['twin']}; retry it to write it all the same", "duplicate"
        )
    fields = {name: idea[name] for name in ("title", "brief", "outline", "keywords", "ordinal")}
    made = Row("task", "0", {**fields, "idea": idea["id"]})
    return Done({}, (made,), counts={"ideas_processed": 1, "tasks_created": 1})
