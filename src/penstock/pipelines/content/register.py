"""What the lower rooms are told of the content pipeline, once, at start."""

from __future__ import annotations

from typing import Any

from penstock import accounts, engine, ledger, publish, records, review
from penstock.engine.pipeline import Pipeline


def all() -> None:
    """Pipeline, tables, gate, form, what its records say."""
    from penstock.pipelines.content import gatekeeping, models, publishing, results

    accounts.SETTINGS["content"] = "penstock.pipelines.content.settings"
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
    publish.FORMS["content"] = publishing.form()
    accounts.AFTER_CREATE.append(_embedded_target)
    records.TITLES.update(
        keyword=("keyword", str), cluster=("name", str), idea=("title", str), task=("title", str),
        article=("title", str), image=("alt", str),
    )  # fmt: skip
    records.RESULTS["content"] = results.result


def build(run: Any) -> Pipeline:
    """The pipeline of a run. Imported only when a run is built: most commands never need it."""
    from penstock.pipelines.content import stages

    return stages.build(run)


def _embedded_target(site: Any) -> None:
    """A content site can publish from the first day: into a folder."""
    if site.pipeline == "content":
        from penstock.publish import targets

        targets.add(site, "site", "folder", str(site.root / "site"), {})
