"""The seven stages of the content pipeline, in order."""

from __future__ import annotations

from typing import Any

from penstock.engine.pipeline import Limits, Pipeline, Stage
from penstock.pipelines.content import articles, clusters, ideas, images
from penstock.pipelines.content.settings import ContentSettings, of
from penstock.pipelines.content.words_of_state import status

DRAWING = "penstock.pipelines.content.drawing:run"


def build(run: Any) -> Pipeline:
    """The pipeline as the site configured it when the run started."""
    s = of(run.plan)
    stages = (*_planning(s), *_writing(s), *_pictures(s))
    return Pipeline("content", stages, s.overlap, s.between_stage_delay, status)


def _planning(s: ContentSettings) -> tuple[Stage, ...]:
    assigning = ideas.Assigning(s.near_duplicate_percent)
    return (
        Stage(
            1, "keywords_to_clusters", "Keywords → Clusters", "keyword", "async",
            work=clusters.work, load=clusters.load, per="set", barrier=True, lane="model", makes=("cluster",),
            limits=Limits(idle=900, hard=900), delay=s.within_stage_delay,
        ),
        Stage(
            2, "clusters_to_ideas", "Clusters → Ideas", "cluster", "inline",
            work=ideas.think, load=ideas.load_clusters, barrier=True, lane="model", makes=("idea",),
            size=s.stage_2_batch_size, delay=s.within_stage_delay,
        ),
        Stage(
            3, "ideas_to_tasks", "Ideas → Tasks", "idea", "inline",
            work=ideas.assign, load=assigning.load, ordered=True, lane="inline", makes=("task",),
            size=s.stage_3_batch_size, delay=s.within_stage_delay,
        ),
    )  # fmt: skip


def _writing(s: ContentSettings) -> tuple[Stage, ...]:
    return (
        Stage(
            4, "tasks_to_content", "Tasks → Content", "task", "inline",
            work=articles.write, load=articles.load_tasks, lane="model", makes=("article",),
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
