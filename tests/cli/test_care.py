from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock import records
from tests.cli.calling import call
from tests.cli.conftest import Reviewed


@pytest.fixture
def failing(_empty: None) -> Iterator[None]:
    """A pipeline that finds its model server missing."""

    from penstock.records.check import fail

    def model_server(_site: object) -> list[Any]:
        return [fail("model server", "http://127.0.0.1:1 does not answer", "Start it: ollama serve")]

    records.CHECKS.append(model_server)
    yield
    records.CHECKS.remove(model_server)


def test_a_check_has_one_line_per_point_and_the_promised_json(reviewed: Reviewed) -> None:
    checked = call("--json", "check", reviewed.site)
    assert (checked.code, checked.data["ok"]) == (0, True)
    assert {"environment", "paths", "disk", "database", "locks", "clock"} <= {c["name"] for c in checked.data["checks"]}
    assert all(list(c) == ["name", "state", "detail", "mend"] for c in checked.data["checks"])
    assert call("check", reviewed.site).out.endswith("Ready.\n")


@pytest.mark.usefixtures("failing")
def test_a_failed_point_is_told_with_its_mend_and_exit_code_1(reviewed: Reviewed) -> None:
    checked = call("check", reviewed.site)
    assert checked.code == 1
    assert "fail  model server" in checked.out
    assert "→ Start it: ollama serve" in checked.out


def test_a_run_with_an_error_in_its_log_does_not_verify(reviewed: Reviewed) -> None:
    verified = call("--json", "verify", reviewed.run)
    assert (verified.code, verified.data["ok"]) == (1, False)
    points = {point["name"]: point for point in verified.data["checks"]}
    assert points["log"]["state"] == "fail"
    assert points["stored data"]["state"] == "ok"


def test_an_incident_report_names_the_first_error_and_its_file(reviewed: Reviewed, tmp_path: Path) -> None:
    made = call("--json", "incident", reviewed.run, "-o", tmp_path / "in" / "report.zip")
    assert made.code == 0
    assert "cut short" in made.data["first_error"]
    with zipfile.ZipFile(made.data["file"]) as packed:
        assert json.loads(packed.read("first_error.json"))["row"]["source_path"].endswith("broken-0.jpg")


def test_the_doctor_finds_no_contradiction_and_tells_sizes(reviewed: Reviewed) -> None:
    examined = call("--json", "doctor", reviewed.site)
    assert (examined.code, examined.data["ok"], examined.data["violations"]) == (0, True, [])
    assert "journal" in call("doctor", reviewed.site).out


def test_the_doctor_says_how_to_mend_what_is_wrong_and_ends_with_1(reviewed: Reviewed) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_sitecounter SET n=n+1 WHERE state='waiting'")
    try:
        examined = call("--json", "doctor", reviewed.site)
        assert (examined.code, examined.data["ok"]) == (1, False)
        assert [list(one) for one in examined.data["violations"]] == [["invariant", "subject", "detail", "mend"]]
        assert "penstock recover" in call("doctor", reviewed.site).out
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE ledger_sitecounter SET n=n-1 WHERE state='waiting'")
