"""What the lower rooms are told of the content pipeline, once, at start."""

from __future__ import annotations

from typing import Any

from penstock import engine, ledger, records, review
from penstock.engine.pipeline import Pipeline


def all() -> None:
    """Pipeline, tables, gate, what its records say."""
    from penstock.pipelines.content import gatekeeping, models, results

    engine.PIPELINES["content"] = build
    ledger.TABLES.update(
        keyword=models.Keyword,
        cluster=models.Cluster,
        idea=models.Idea,
        task=models.Task,
        article=models.Article,
        image=models.Image,
    )
    review.GATES["article"] = gatekeeping.gate()
    records.TITLES.update(
        keyword=("keyword", str), cluster=("name", str), idea=("title", str), task=("title", str),
        article=("title", str), image=("alt", str),
    )  # fmt: skip
    records.RESULTS["content"] = results.result


def build(run: Any) -> Pipeline:
    """The pipeline of a run. Imported only when a run is built: most commands never need it."""
    from penstock.pipelines.content import stages

    return stages.build(run)
