"""The seven stages of the content pipeline, in order."""

from __future__ import annotations

from typing import Any

from penstock.engine.pipeline import Limits, Pipeline, Stage
from penstock.pipelines.content import articles, clusters, ideas, images
from penstock.pipelines.content.settings import ContentSettings, of
from penstock.pipelines.content.words_of_state import status
from penstock.pipelines.content.writers import Writers

DRAWING = "penstock.pipelines.content.drawing:run"


def build(run: Any) -> Pipeline:
    """The pipeline as the site configured it when the run started."""
    s = of(run.plan)
    writers = Writers(s, begun=run.heartbeat_at is not None) if s.text_provider != "offline" else None
    stages = (*_planning(s, writers), *_writing(s, writers), *_pictures(s))
    preflight = writers.preflight if writers else None
    return Pipeline("content", stages, s.overlap, s.between_stage_delay, status, "pause", preflight)


def _think(s: ContentSettings, writers: Writers | None) -> dict[str, Any]:
    """How ideas are had: by templates on the spot, or by a model."""
    if writers is None:
        return {"runner": "inline", "work": ideas.think, "load": ideas.load_clusters}
    return {"work": writers.think, "load": writers.load_clusters, **_by_model(s, writers)}


def _write(s: ContentSettings, writers: Writers | None) -> dict[str, Any]:
    """How articles are written."""
    if writers is None:
        return {"runner": "inline", "work": articles.write, "load": articles.load_tasks}
    return {"work": writers.write, "load": writers.load_tasks, **_by_model(s, writers)}


def _by_model(s: ContentSettings, writers: Writers) -> dict[str, Any]:
    longest = max(s.cold_timeout, s.first_byte_timeout, s.token_timeout) + 60
    limits = Limits(idle=longest, hard=s.total_timeout + 120)
    return {"runner": "async", "tries": writers.tries, "limits": limits, "backoff": s.text_retry_wait}


def _planning(s: ContentSettings, writers: Writers | None) -> tuple[Stage, ...]:
    assigning = ideas.Assigning(s.near_duplicate_percent)
    return (
        Stage(
            1, "keywords_to_clusters", "Keywords → Clusters", "keyword", "async",
            work=clusters.work, load=clusters.load, per="set", barrier=True, lane="model", makes=("cluster",),
            limits=Limits(idle=900, hard=900), delay=s.within_stage_delay,
        ),
        Stage(
            2, "clusters_to_ideas", "Clusters → Ideas", "cluster", **_think(s, writers),
            barrier=True, lane="model", makes=("idea",), size=s.stage_2_batch_size, delay=s.within_stage_delay,
        ),
        Stage(
            3, "ideas_to_tasks", "Ideas → Tasks", "idea", "inline",
            work=ideas.assign, load=assigning.load, ordered=True, lane="inline", makes=("task",),
            size=s.stage_3_batch_size, delay=s.within_stage_delay,
        ),
    )  # fmt: skip


def _writing(s: ContentSettings, writers: Writers | None) -> tuple[Stage, ...]:
    return (
        Stage(
            4, "tasks_to_content", "Tasks → Content", "task", **_write(s, writers), lane="model", makes=("article",),
            size=s.stage_4_batch_size, delay=s.within_stage_delay,
        ),
        Stage(
            5, "content_to_image_prompts", "Content → Image prompts", "article", "inline",
            work=articles.prompt, load=articles.load_articles, lane="model", makes=("image",),
            size=s.stage_5_batch_size, delay=s.within_stage_delay,
        ),
    )  # fmt: skip


def _pictures(s: ContentSettings) -> tuple[Stage, ...]:
    return (
        Stage(
            6, "image_prompts_to_images", "Image prompts → Images", "image", "child",
            work=DRAWING, load=images.load, lane="model", size=s.stage_6_batch_size, tries=(s.image_tries,),
            limits=Limits(idle=60, hard=120), delay=s.within_stage_delay,
        ),
        Stage(
            7, "manual_review", "Review", "article", "inline",
            work=images.wait, load=images.load_settled, gate=True, lane="inline", size=50,
        ),
    )  # fmt: skip
