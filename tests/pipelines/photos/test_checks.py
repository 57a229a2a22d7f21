"""What the photo pipeline adds to preflight and validation."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from penstock.accounts.models import Site
from penstock.ledger import events
from penstock.ledger.models import Run
from penstock.pipelines.photos import checks, opening
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")
WHEN = datetime(2026, 11, 21, tzinfo=UTC)
LINE = "Ollama startup check: model=a processor=CPU context=4096 vram=0.0GiB"


def run(site: Site, *lines: str, **plan: Any) -> Run:
    """A finished run whose log holds these lines."""
    one = Run.objects.create(id="r", site=site, pipeline="photos", started_at=WHEN, plan=plan, status="completed")
    for line in lines:
        events.record(WHEN, "note", site=site.pk, run=one.id, lines=[("INFO", line)])
    return one


def test_a_classifier_folder_that_lacks_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "image.onnx").write_bytes(b"weights")
    site = rows.site()
    site.settings = {"classifier_weights": str(tmp_path)}
    first, _packs = checks.weights(site)
    assert (first.name, first.state) == ("classifier_weights", "fail")
    assert "no labels.json and no labels.npy" in first.detail


def test_a_configured_model_file_that_is_missing_is_named(tmp_path: Path) -> None:
    site = rows.site()
    site.settings = {"nima_weights": str(tmp_path / "no.onnx")}
    first, packs = checks.weights(site)
    assert (first.name, first.state, packs.state) == ("nima_weights", "fail", "ok")


def test_a_broken_rule_pack_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("[[rule]]\nid = 3\n")
    site = rows.site()
    site.settings = {"rules_dir": str(tmp_path)}
    (packs,) = checks.weights(site)
    assert (packs.state, "own.toml" in packs.detail) == ("fail", True)


@pytest.mark.parametrize(("plan", "lines", "state"), [
    ({}, (), "ok"),
    ({"caption_provider": "ollama", "caption_model": "a"}, (), "warn"),
    ({"caption_provider": "ollama", "caption_model": "a"}, (LINE,), "ok"),
    ({"caption_provider": "ollama", "caption_model": "a", "expect_processor": "gpu"}, (LINE,), "warn"),
])  # fmt: skip
def test_the_startup_line_must_show_the_expected_processor(plan: dict[str, str], lines: Any, state: str) -> None:
    (point,) = checks.startup_line(run(rows.site(), *lines, **plan))
    assert point.state == state


def test_the_report_of_the_run_is_looked_at() -> None:
    one = run(rows.site())
    assert [point.state for point in checks.report(one)] == ["fail"]
    summary = {"row_count": 3, "duplicate_rows_total": 0, "flagged_rows_total": 1}
    opening.own_copy(one).write_text(json.dumps({"summary": summary}))
    assert [point.state for point in checks.report(one)] == ["warn"]
    opening.own_copy(one).write_text(json.dumps({"summary": {**summary, "flagged_rows_total": 0}}))
    assert [point.state for point in checks.report(one)] == ["ok"]
