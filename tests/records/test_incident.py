from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from penstock import records
from penstock.ledger import events
from penstock.records.incident import hidden, incident


@pytest.fixture
def packed(run: Any, photo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> zipfile.ZipFile:
    """The report of a run with one broken photo, secrets in its settings, and a section of a pipeline."""
    broken = photo(stage="score", state="failed", error="ftp://me:hunter2@host refused", error_code="x")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    events.record(at, "note", site=run.site_id, run=run.id, lines=[("ERROR", f"[FAIL] id={broken.id}")])
    run.plan = {"ftp_password": "hunter2", "quality": 88, "url": "ftp://me:hunter2@host/x"}
    monkeypatch.setitem(records.SECTIONS, "rules", lambda one: {"of": one.id})
    (run.site.root / "logs").mkdir(exist_ok=True)
    (run.site.root / "logs" / "db_uploader.log").write_text("sent to ftp://me:hunter2@host\n")
    return zipfile.ZipFile(incident(run, tmp_path / "new" / "report.zip"))


def test_the_report_names_the_first_error_with_its_row_and_file(packed: zipfile.ZipFile) -> None:
    first = json.loads(packed.read("first_error.json"))
    assert "[FAIL] id=1" in first["line"]
    assert (first["row"]["id"], first["row"]["source_path"]) == (1, "/photos/0.jpg")
    packed.close()


def test_the_report_holds_versions_queue_logs_and_what_pipelines_add(packed: zipfile.ZipFile, run: Any) -> None:
    names = set(packed.namelist())
    assert {"run.json", "versions.json", "queue.json", "configuration.json", f"logs/runs/{run.id}.log"} <= names
    assert json.loads(packed.read("sections/rules.json")) == {"of": run.id}
    assert json.loads(packed.read("configuration.json"))["plan"]["quality"] == 88
    packed.close()


def test_no_secret_is_in_any_file_of_the_report(packed: zipfile.ZipFile) -> None:
    assert [name for name in packed.namelist() if b"hunter2" in packed.read(name)] == []
    assert "files/logs/db_uploader.log" in packed.namelist()
    packed.close()


def test_what_is_called_like_a_secret_is_blotted_out_at_any_depth() -> None:
    shown = hidden({"a": [{"api_key": "k", "openai_key_env": "NAME", "token": ""}], "keywords": "k"})
    assert shown == {"a": [{"api_key": "…", "openai_key_env": "NAME", "token": ""}], "keywords": "k"}
