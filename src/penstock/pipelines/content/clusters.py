"""Stage 1, offline: the keywords of the whole set become clusters, old and new ones."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from penstock.engine.outcome import Done, Outcome, Ref, Row, Skip
from penstock.engine.pipeline import Item, Progress
from penstock.pipelines.content import clustering, offline
from penstock.pipelines.content.intake import key_of
from penstock.pipelines.content.models import Cluster, Keyword
from penstock.pipelines.content.settings import of
from penstock.pipelines.content.vectors import Vectors, vectors

LEAST = 5  # keywords; with fewer there is nothing to group


def load(context: Any, ids: Sequence[int]) -> list[Item]:
    """Keywords; the first of them carries the clusters that the site has and how near is near."""
    columns = ("id", "keyword", "volume", "ordinal")
    wanted, found = set(ids), Keyword.objects.filter(run=context.run.id, stage=context.stage.name)
    items = [row for row in found.order_by("ordinal", "id").values(*columns) if row["id"] in wanted]
    known = Cluster.objects.filter(site=context.run.site_id).order_by("id").values_list("id", "name")
    items[0] |= {"known": [list(one) for one in known], "distance": of(context.run.plan).cluster_distance}
    return items


async def work(items: list[Item], progress: Progress) -> list[Outcome]:
    """One outcome per keyword. Comparing them all takes a while: the loop goes on meanwhile."""
    return await asyncio.to_thread(gather, items)


def gather(items: list[Item]) -> list[Outcome]:
    """Keywords that are alike share a cluster: one that there is, or one that the first of them makes."""
    if len(items) < LEAST:
        return [Skip(f"{len(items)} new keywords, at least {LEAST} are needed")] * len(items)
    known = items[0]["known"]
    rows = vectors([*(item["keyword"] for item in items), *(name for _, name in known)])
    taken = {key_of(name): number for number, name in known}
    outcomes: dict[int, Outcome] = {}
    for group in clustering.groups(rows, items[0]["distance"]):
        members = [n for n in group if n < len(items)]
        there = [n for n in group if n >= len(items)]
        if members:
            joined = _joined(rows, members, there, [number for number, _ in known], len(items))
            outcomes |= _together(items, rows, members, joined, taken)
    return [outcomes[n] for n in range(len(items))]


def _joined(rows: Vectors, members: list[int], there: list[int], numbers: list[int], first: int) -> int | None:
    """The known cluster that these keywords belong to: the one whose name is nearest to their middle."""
    if not there:
        return None
    near = rows[there] @ rows[members].sum(axis=0)
    return numbers[there[int(near.argmax())] - first]


def _together(
    items: list[Item], rows: Vectors, members: list[int], joined: int | None, taken: dict[str, int]
) -> dict[int, Outcome]:
    name = offline.cluster_name(items[_middle(items, rows, members)]["keyword"])
    maker = items[members[0]]
    cluster: Any = taken.get(key_of(name)) if joined is None else joined
    made: tuple[Row, ...] = ()
    if cluster is None:
        fields = {"name": name, "key": key_of(name), "ordinal": maker["ordinal"], **offline.MADE}
        made, cluster = (Row("cluster", "0", fields),), Ref("cluster", "0", maker["id"])
    out: dict[int, Outcome] = {}
    for n in members:
        counts = {"keywords_processed": 1, "clusters_created": int(n == members[0] and bool(made))}
        out[n] = Done({"cluster": cluster}, made if n == members[0] else (), counts=counts)
    return out


def _middle(items: list[Item], rows: Vectors, members: list[int]) -> int:
    """The keyword that the others are nearest to; of those the plainest, then the most searched, then the first."""
    near = rows[members] @ rows[members].sum(axis=0)
    best = near.max()
    close = [n for n, one in zip(members, near, strict=True) if one >= best - 1e-4]
    return max(close, key=lambda n: (-len(items[n]["keyword"].split()), items[n]["volume"] or 0, -n))
