"""The eight stages of the photo pipeline, in order."""

from __future__ import annotations

from typing import Any

from penstock.engine.pipeline import Limits, Pipeline, Stage
from penstock.pipelines.photos import loads, opening, queueing
from penstock.pipelines.photos.captions import Writers
from penstock.pipelines.photos.settings import PhotoSettings, of
from penstock.pipelines.photos.words_of_state import status

CHILD = "penstock.pipelines.photos.worker:run"


def build(run: Any) -> Pipeline:
    """The pipeline as the site configured it when the run started."""
    s = of(run.plan)
    writers = Writers(s, begun=run.heartbeat_at is not None)
    stages = (*_to_the_queue(s), *_scores(s), _caption(s, writers), _review())
    preflight = writers.preflight if writers.remote else None
    return Pipeline("photos", stages, s.overlap, s.between_stage_delay, status, preflight=preflight)


def _local(s: PhotoSettings, size: int) -> dict[str, Any]:
    """What every stage has that works on files in a child."""
    limits = Limits(idle=s.step_idle_limit, hard=s.step_hard_limit, memory_mb=s.child_memory_mb)
    return {"runner": "child", "work": CHILD, "limits": limits, "delay": s.within_stage_delay, "size": size}


def _to_the_queue(s: PhotoSettings) -> tuple[Stage, ...]:
    return (
        Stage(
            1, "validate", "Validate sets", "file",
            load=loads.files, makes=("photo",), **_local(s, s.stage_1_batch_size),
        ),
        Stage(
            2, "stage_files", "Prepare DB and copy to incoming", "photo",
            load=loads.to_stage, effects=loads.staging, **_local(s, s.stage_2_batch_size),
        ),
        Stage(
            3, "read_exif", "Extract EXIF and initial metadata", "photo",
            load=loads.staged, **_local(s, s.stage_3_batch_size),
        ),
        Stage(
            4, "queue_rows", "Insert or refresh review rows", "photo", "inline",
            work=queueing.work, load=queueing.load, per="batch", ordered=True, barrier=True, lane="inline",
            size=s.stage_4_batch_size, makes=("name",),
        ),
    )  # fmt: skip


def _scores(s: PhotoSettings) -> tuple[Stage, ...]:
    return (
        Stage(
            5, "score", "AI quality scoring", "photo",
            load=loads.to_score, fail_fields={"QC_Status": "ScoringFailed"}, **_local(s, s.stage_5_batch_size),
        ),
        Stage(
            6, "resize_for_model", "Resize images for the model", "photo",
            load=loads.to_resize, fail_fields={"QC_Status": "ResizeFailed"}, **_local(s, s.stage_6_batch_size),
        ),
    )  # fmt: skip


def _caption(s: PhotoSettings, writers: Writers) -> Stage:
    return Stage(
        7, "caption", "Caption and keywords prefill", "photo", "async",
        work=writers.write, load=writers.load, lane="model", size=s.stage_7_batch_size, tries=writers.tries,
        limits=Limits(idle=s.caption_idle_limit, hard=s.caption_hard_limit), backoff=s.caption_retry_wait,
        delay=s.within_stage_delay, death_fields={"QC_Status": "PrefillNativeCrash"},
    )  # fmt: skip


def _review() -> Stage:
    return Stage(
        8, "review", "Open review editor", "photo", "inline",
        work=opening.work, load=opening.load, per="set", barrier=True, gate=True, lane="inline",
    )  # fmt: skip
