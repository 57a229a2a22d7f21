"""What a stage's result says of a run beside what every stage says: the seed's own words for its counters."""

from __future__ import annotations

from typing import Any

FIELDS = {
    "keywords_to_clusters": ("keywords_processed", "clusters_created"),
    "clusters_to_ideas": ("clusters_processed", "ideas_created"),
    "ideas_to_tasks": ("ideas_processed", "tasks_created"),
    "tasks_to_content": ("tasks_processed", "content_created", "total_words"),
    "content_to_image_prompts": ("content_processed", "prompts_created"),
    "image_prompts_to_images": ("images_processed", "images_generated"),
}


def result(stage: Any) -> dict[str, Any]:
    """The counters of a StageRun, 0 where nothing was counted yet, and why it skipped."""
    told = dict(stage.result)
    why = told.pop("skipped", "")
    if stage.name == "manual_review":
        counts = {"ready_for_review": stage.waiting}
    else:
        counts = {name: told.get(name, 0) for name in FIELDS.get(stage.name, ())}
    return {**counts, "skipped": bool(why), "skip_reason": why}
