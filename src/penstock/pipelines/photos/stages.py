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
    writers = Writers(s)
    limits = Limits(idle=s.step_idle_limit, hard=s.step_hard_limit, memory_mb=s.child_memory_mb)
    local: dict[str, Any] = {
        "runner": "child",
        "work": CHILD,
        "limits": limits,
        "delay": s.within_stage_delay,
    }
    stages = (
        Stage(
            1, "validate", "Validate sets", "file",
            load=loads.files, size=s.stage_1_batch_size, makes=("photo",), **local,
        ),
        Stage(
            2, "stage_files", "Prepare DB and copy to incoming", "photo",
            load=loads.to_stage, effects=loads.staging, size=s.stage_2_batch_size, **local,
        ),
        Stage(
            3, "read_exif", "Extract EXIF and initial metadata", "photo",
            load=loads.staged, size=s.stage_3_batch_size, **local,
        ),
        Stage(
            4, "queue_rows", "Insert or refresh review rows", "photo", "inline",
            work=queueing.work, load=queueing.load, per="batch", ordered=True, barrier=True, lane="inline",
            size=s.stage_4_batch_size, makes=("name",),
        ),
        Stage(
            5, "score", "AI quality scoring", "photo",
            load=loads.to_score, size=s.stage_5_batch_size, fail_fields={"QC_Status": "ScoringFailed"}, **local,
        ),
        Stage(
            6, "resize_for_model", "Resize images for the model", "photo",
            load=loads.to_resize, size=s.stage_6_batch_size, fail_fields={"QC_Status": "ResizeFailed"}, **local,
        ),
        _caption(s, writers),
        Stage(
            8, "review", "Open review editor", "photo", "inline",
            work=opening.work, load=opening.load, per="set", barrier=True, gate=True, lane="inline",
        ),
    )  # fmt: skip
    return Pipeline(
        "photos",
        stages,
        s.overlap,
        s.between_stage_delay,
        status,
        writers.preflight if writers.remote else None,
    )


def _caption(s: PhotoSettings, writers: Writers) -> Stage:
    return Stage(
        7, "caption", "Caption and keywords prefill", "photo", "async",
        work=writers.write, load=writers.load, lane="model", size=s.stage_7_batch_size, tries=writers.tries,
        limits=Limits(idle=s.caption_idle_limit, hard=s.caption_hard_limit), backoff=s.caption_retry_wait,
        delay=s.within_stage_delay, death_fields={"QC_Status": "PrefillNativeCrash"},
    )  # fmt: skip
