from __future__ import annotations

from pathlib import Path

from django.test import Client
from filelock import FileLock

from tests.api.conftest import HOST, Town


def test_alive_is_said_to_everybody(ledger_home: Path) -> None:
    answer = Client(headers=HOST).get("/healthz")
    assert (answer.status_code, answer.json()["ok"]) == (200, True)


def test_ready_is_who_can_read_the_database_and_has_a_driver(ledger_home: Path) -> None:
    client = Client(headers=HOST)
    assert client.get("/readyz").status_code == 503
    with FileLock(str(ledger_home / "driver.lock")):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "database": True, "driver": True})


def test_metrics_are_of_the_callers_sites_only(town: Town) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    assert town.call("anonymous", "GET", "/metrics").status_code == 401
    text = town.call("viewer", "GET", "/metrics").content.decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {sample.labels.get("site") for sample in families["penstock_items"].samples} == {"ours"}
    assert families["penstock_runs"].samples[0].value == 1
    assert {"penstock_open_batches", "penstock_driver_up", "penstock_credits", "penstock_build"} <= set(families)
    assert "theirs" not in text
