"""A newsroom for any ledger: keywords → clusters → ideas → tasks → articles → images, six tables and three joins.

keywords are grouped together (many make one) · a cluster makes ideas and waits for them · an idea makes a task and
waits for it · a task makes an article · an article makes its images and waits for them · images are worked singly, and
some of them break. What breaks is in the words: the same words break in the same way in every ledger and every run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.engine.errors import Died, Transient
from penstock.engine.outcome import Done, Fail, Merge, Outcome, Ref, Row, Skip
from penstock.engine.pipeline import Item, Pipeline, Stage

LEAST = 5  # keywords, or the first stage is skipped
TABLES = ("keyword", "cluster", "idea", "task", "article", "image")
MAKER = {"keyword": "cluster", "idea": "cluster", "task": "idea", "article": "task", "image": "article"}
"""Table → the table whose row its column `of` names."""

WORDS = (
    "heron food", "heron nest", "swan lake", "owl night", "owl prey", "owl eyes",
    "crow caw", "swan song", "gull sea", "lark sky", "gull wing", "heron pond",
)  # fmt: skip
Read = Callable[[Any, str], list[dict[str, Any]]]
"""All rows of a table that a load may see."""


class World:
    """How the newsroom is set up, and whether what is broken has been mended."""

    def __init__(self, read: Read, *, per: Any = "set", overlap: bool = True) -> None:
        self.read, self.per, self.overlap = read, per, overlap
        self.mended = False

    def pipeline(self) -> Pipeline:
        """Nine stages: the joins come after what they wait for."""
        s, mend = self._stage, {"backoff": 0.0}
        stages = (
            s(1, "gather", "keyword", gather, load=self._load(gathering), per=self.per, size=4,
              ordered=self.per == "batch", makes=("cluster",)),
            s(2, "think", "cluster", think, load=self._load(thinking), size=2, barrier=True, makes=("idea",)),
            s(3, "assign", "idea", assign, load=self._load(siblings), size=3, makes=("task",)),
            s(4, "write", "task", self._write, size=2, makes=("article",)),
            s(5, "prompt", "article", prompt, size=2, makes=("image",)),
            s(6, "paint", "image", self._paint, load=self._load(siblings), size=1, tries=(2,), **mend),
            s(7, "review", "article", lambda item: Done(), gate=True, size=4),
            s(8, "sum_up", "idea", lambda item: Done({"note": "summed up"}), size=4),
            s(9, "close", "cluster", lambda item: Done({"note": "closed"}), size=4),
        )  # fmt: skip
        return Pipeline("newsroom", stages, overlap=self.overlap, status=status)

    def _stage(self, number: int, name: str, takes: str, work: Any, **more: Any) -> Stage:
        return Stage(number, name, name.title(), takes, "inline", work=work, **more)

    def _load(self, view: Callable[[Any, Read, list[dict[str, Any]]], list[Item]]) -> Any:
        def load(context: Any, ids: Sequence[int]) -> list[Item]:
            rows = {row["id"]: row for row in self.read(context, context.stage.takes)}
            return view(context, self.read, [rows[one] for one in ids])

        return load

    def _write(self, task: Item) -> Outcome:
        if task["name"].startswith("crow") and not self.mended:
            return Fail("nobody can write about crows", "crow")
        words = 100 + len(task["name"])
        made = Row("article", "0", made_of(task, task["name"], words=words))
        return Done({"note": "written"}, (made,), counts={"total_words": words})

    def _paint(self, image: Item) -> Outcome:
        """Some images slip once, some for ever, some kill their painter, some are not allowed, some exist already."""
        plan = "" if self.mended else FLAWS.get(image["name"], "")
        if plan == "slips" or (plan == "slips once" and image["attempt"] == 1):
            raise Transient("the brush slipped", after=0.0)
        if plan == "kills":
            raise Died("the easel fell")
        if plan == "refused":
            return Fail("this may not be painted", "refused")
        if plan == "twin":
            return Merge(image["first"], "painted already")
        return Done({"note": "painted"}, counts={"images_generated": 1})


FLAWS = {
    "heron-0/1": "slips once", "swan-0/1": "slips", "owl-0/0": "kills", "gull-0/1": "refused", "heron-1/2": "twin",
}  # fmt: skip


def status(table: str, stage: str, state: str) -> dict[str, str]:
    """A word of the seeds where they have one."""
    word = {"ready": "new", "leased": "new", "done": "mapped"}.get(state, state)
    return {"word": word if table in ("keyword", "cluster") else f"{stage}:{state}"}


def made_of(maker: Item, name: str, *, at: int = 0, **more: Any) -> dict[str, Any]:
    """Fields of a row that `maker` makes: its order follows the maker's, never the order of work."""
    return {"name": name, "place": maker["place"], "of": maker["id"], "ordinal": maker["ordinal"] * 10 + at, **more}


def gathering(context: Any, read: Read, rows: list[dict[str, Any]]) -> list[Item]:
    """Keywords, with the clusters that there are already and the number of keywords that the run took."""
    place, run = rows[0]["place"], rows[0]["run"]
    known = {c["name"]: c["id"] for c in read(context, "cluster") if c["place"] == place}
    total = sum(one["run"] == run for one in read(context, "keyword"))
    return [{**row, "known": known, "total": total} for row in rows]


def gather(keywords: list[Item]) -> list[Outcome]:
    """Keywords of one topic share a cluster: one that there is, or one that the first of them makes."""
    if keywords[0]["total"] < LEAST:
        return [Skip(f"{keywords[0]['total']} keywords, at least {LEAST} are needed")] * len(keywords)
    known, makers, outcomes = keywords[0]["known"], dict[str, int](), list[Outcome]()
    for one in keywords:
        topic, counts, makes = one["name"].split()[0], {"keywords_processed": 1}, tuple[Row, ...]()
        if topic not in known and topic not in makers:
            makers[topic] = one["id"]
            makes = (Row("cluster", topic, {"name": topic, "place": one["place"], "ordinal": one["ordinal"]}),)
            counts["clusters_created"] = 1
        cluster = known.get(topic) or Ref("cluster", topic, makers[topic])
        outcomes.append(Done({"of": cluster}, makes, counts=counts))
    return outcomes


def thinking(context: Any, read: Read, rows: list[dict[str, Any]]) -> list[Item]:
    """Clusters, with the number of their keywords."""
    keywords = read(context, "keyword")
    return [{**row, "keywords": sum(k["of"] == row["id"] for k in keywords)} for row in rows]


def think(cluster: Item) -> Outcome:
    """An idea for each keyword after the first, at least one."""
    names = [f"{cluster['name']}-{n}" for n in range(max(1, cluster["keywords"] - 1))]
    made = (Row("idea", str(n), made_of(cluster, name, at=n, waits_for_me=True)) for n, name in enumerate(names))
    return Done({"note": "thought"}, tuple(made), counts={"ideas_created": len(names)})


def siblings(context: Any, read: Read, rows: list[dict[str, Any]]) -> list[Item]:
    """Rows, with the first of those that have the same maker."""
    everyone = read(context, context.stage.takes)
    first = {row["id"]: min(o["id"] for o in everyone if o["of"] == row["of"]) for row in rows}
    return [{**row, "first": first[row["id"]]} for row in rows]


def assign(idea: Item) -> Outcome:
    """One task; a second idea about owls is the first one again."""
    if idea["name"] == "owl-1":
        return Merge(idea["first"], "the same idea")
    return Done({"note": "assigned"}, (Row("task", "0", made_of(idea, idea["name"], waits_for_me=True)),))


def prompt(article: Item) -> Outcome:
    """Three images; larks are shown without."""
    many = 0 if article["name"].startswith("lark") else 3
    rows = (made_of(article, f"{article['name']}/{n}", at=n, waits_for_me=True) for n in range(many))
    made = tuple(Row("image", str(n), row) for n, row in enumerate(rows))
    return Done({"note": "prompted"}, made, counts={"prompts_created": many})
