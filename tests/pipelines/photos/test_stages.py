"""The eight stages as a site configured them."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.pipelines.photos import stages
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")


def built(**plan: Any) -> Any:
    """The pipeline of a run with these settings."""
    return stages.build(rows.run(rows.site(), **plan))


def test_the_seeds_eight_stages_come_in_their_order() -> None:
    found = [(stage.number, stage.title) for stage in built().stages]
    assert found == [
        (1, "Validate sets"), (2, "Prepare DB and copy to incoming"), (3, "Extract EXIF and initial metadata"),
        (4, "Insert or refresh review rows"), (5, "AI quality scoring"), (6, "Resize images for the model"),
        (7, "Caption and keywords prefill"), (8, "Open review editor"),
    ]  # fmt: skip


def test_only_the_last_stage_waits_for_a_person_and_it_looks_at_the_whole_run() -> None:
    (gate,) = [stage for stage in built().stages if stage.gate]
    assert (gate.name, gate.barrier, gate.per) == ("review", True, "set")


def test_numbers_are_given_in_order_after_everything_before_is_done() -> None:
    queue = built().stage("queue_rows")
    assert (queue.ordered, queue.barrier, queue.per) == (True, True, "batch")


def test_settings_reach_their_stages() -> None:
    one = built(
        overlap=False, between_stage_delay=5, within_stage_delay=2, stage_3_batch_size=3, stage_7_batch_size=7,
        step_idle_limit=11, step_hard_limit=12, child_memory_mb=900, caption_idle_limit=13, caption_hard_limit=14,
    )  # fmt: skip
    read, caption = one.stage("read_exif"), one.stage("caption")
    assert (one.overlap, one.between_delay) == (False, 5)
    assert (read.size, read.delay, read.limits.idle, read.limits.hard, read.limits.memory_mb) == (3, 2, 11, 12, 900)
    assert (caption.size, caption.delay, caption.limits.idle, caption.limits.hard) == (7, 2, 13, 14)


def test_a_template_asks_no_server_and_a_model_is_looked_at_before_the_run() -> None:
    assert built().preflight is None
    site = rows.site("other")
    run = rows.run(site, "r2", caption_provider="ollama", caption_model="m", caption_fallback_model="n")
    one = stages.build(run)
    assert one.preflight is not None
    assert one.stage("caption").tries == (3, 2, 1)


def test_what_fails_is_classed_as_the_seeds_class_it() -> None:
    one = built()
    assert one.stage("score").fail_fields == {"QC_Status": "ScoringFailed"}
    assert one.stage("resize_for_model").fail_fields == {"QC_Status": "ResizeFailed"}
    assert one.stage("caption").death_fields == {"QC_Status": "PrefillNativeCrash"}


def test_originals_are_only_touched_with_a_journal() -> None:
    assert [stage.name for stage in built().stages if stage.effects] == ["stage_files"]
