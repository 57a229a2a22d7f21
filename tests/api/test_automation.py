from __future__ import annotations

import threading
from typing import Any

import pytest

from penstock.accounts import credits
from penstock.accounts.access import Caller
from penstock.engine.clock import SystemClock
from penstock.ledger import ESTIMATES, control
from penstock.ledger import models as m
from penstock.oracle import examine
from tests.api.conftest import Town
from tests.ledger.test_lock import DEAD

RUN_FIELDS = set(
    "run_id site_id pipeline trigger_type status current_stage started_at paused_at resumed_at cancelled_at "
    "completed_at interrupted total_credits_used error_message".split()
)


def started(town: Town) -> str:
    answer = town.post(f"run_now?site_id={town.ours.pk}")
    assert answer.status_code == 201, answer.content
    return str(answer.json()["run_id"])


def verb(town: Town, name: str, run: str, more: str = "") -> Any:
    return town.post(f"{name}?site_id={town.ours.pk}&run_id={run}{more}")


def test_the_configuration_has_the_fields_of_the_specification_and_reading_it_stores_nothing(town: Town) -> None:
    found = town.get(f"config?site_id={town.ours.pk}", "viewer").json()
    sizes = {f"stage_{n}_batch_size" for n in range(1, 8)}
    plain = (
        "site_id pipeline is_enabled frequency scheduled_time timezone within_stage_delay between_stage_delay overlap"
    )
    assert set(found) == {*plain.split(), *sizes, "last_run_at", "next_run_at"}
    assert (found["is_enabled"], found["frequency"], found["next_run_at"]) == (False, "daily", None)
    assert m.Schedule.objects.count() == 0


def test_a_change_is_answered_with_the_whole_configuration_and_holds(town: Town) -> None:
    body = {
        "is_enabled": True, "frequency": "weekly", "scheduled_time": "04:30", "timezone": "Europe/Rome",
        "stage_1_batch_size": 7, "within_stage_delay": 0.5, "between_stage_delay": 2, "overlap": False,
    }  # fmt: skip
    answer = town.put(f"update_config?site_id={town.ours.pk}", body)
    assert answer.status_code == 200, answer.content
    assert {key: answer.json()[key] for key in body} == body
    assert answer.json()["next_run_at"].endswith(("+01:00", "+02:00"))
    assert town.get(f"config?site_id={town.ours.pk}").json() == answer.json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"is_enabled": "yes"}, "is_enabled"),
        ({"is_enabled": None}, "is_enabled"),
        ({"frequency": "hourly"}, "frequency"),
        ({"scheduled_time": "25:00"}, "scheduled_time"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"stage_1_batch_size": 0}, "stage_1_batch_size"),
        ({"stage_1_batch_size": 1001}, "stage_1_batch_size"),
        ({"stage_1_batch_size": 2.5}, "stage_1_batch_size"),
        ({"stage_8_batch_size": 5}, "stage_8_batch_size"),
        ({"within_stage_delay": -1}, "within_stage_delay"),
        ({"between_stage_delay": 3601}, "between_stage_delay"),
        ({"overlap": 1}, "overlap"),
        ({"last_run_at": "2026-11-25T00:00:00+00:00"}, "last_run_at"),
        ({"site_id": 2}, "site_id"),
        ({"pipeline": "content"}, "pipeline"),
        ({"home_root": 5}, "home_root"),
        ({"caption_provider": 5}, "caption_provider"),
    ],
)
def test_a_bad_field_is_named_and_nothing_changes(town: Town, body: dict[str, Any], field: str) -> None:
    before = town.get(f"config?site_id={town.ours.pk}").json()
    answer = town.put(f"update_config?site_id={town.ours.pk}", {"overlap": False, **body})
    assert answer.status_code == 400, answer.content
    assert answer.json()["detail"]["field"] == field
    assert field in answer.json()["error"]
    assert town.get(f"config?site_id={town.ours.pk}").json() == before


@pytest.mark.parametrize("body", ["", "[]", "5", "{", '{"between_stage_delay": NaN}', '{"between_stage_delay": 1e999}'])
def test_what_is_no_json_object_is_refused(town: Town, body: str) -> None:
    answer = town.put(f"update_config?site_id={town.ours.pk}", body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "code", "detail"}


def test_only_json_is_a_body(town: Town) -> None:
    from django.test import Client

    headers = {"host": "127.0.0.1", "authorization": f"Bearer {town.tokens['owner']}"}
    path = f"/api/v1/automation/update_config?site_id={town.ours.pk}"
    answer = Client(headers=headers).put(path, '{"overlap": false}', content_type="text/plain")
    assert answer.status_code == 400


def test_a_run_is_started_shown_and_a_second_one_is_refused_with_the_lock(town: Town) -> None:
    run = started(town)
    shown = town.get(f"current_run?site_id={town.ours.pk}", "viewer").json()
    assert set(shown) == RUN_FIELDS | {f"stage_{n}_result" for n in range(1, 9)}
    assert (shown["run_id"], shown["status"], shown["trigger_type"]) == (run, "running", "manual")
    again = town.post(f"run_now?site_id={town.ours.pk}")
    assert (again.status_code, again.json()["code"]) == (400, "already_running")
    assert set(again.json()["detail"]["lock"]) == {"owner", "host", "since", "heartbeat_at", "run_id"}
    assert again.json()["detail"]["lock"]["run_id"] == run


def test_two_who_start_at_once_make_one_run(town: Town, request: Any) -> None:
    from django.db import connection

    for _ in range(200 if request.config.getoption("--long") else 12):
        gate, found = threading.Barrier(2), list[Any]()

        def start(gate: threading.Barrier = gate, found: list[Any] = found) -> None:
            gate.wait()
            try:
                found.append(town.post(f"run_now?site_id={town.ours.pk}"))
            finally:
                connection.close()

        threads = [threading.Thread(target=start) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(one.status_code for one in found) == [201, 400]
        (run,) = (one.json()["run_id"] for one in found if one.status_code == 201)
        (lost,) = (one.json() for one in found if one.status_code == 400)
        assert lost["code"] == "already_running"
        assert lost["detail"]["lock"]["run_id"] == run
        end(run)
    assert broken() == []


def broken() -> list[Any]:
    """What the oracle says, but of originals: the photos of these tests have none."""
    return [one for one in examine() if one.invariant != "I7"]


def end(run: str) -> None:
    from penstock.config import current
    from penstock.ledger.drive import ledger_of

    control.cancel(control.find(run), SystemClock())
    ledger_of(current()).rest(run)


def test_a_start_that_the_account_cannot_pay_tells_the_estimate_and_leaves_no_lock(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ESTIMATES, "photos", lambda _site: 12_500)
    credits.grant(Caller("root"), SystemClock().wall(), town.ours.account, 14_999, "g")
    told = town.get(f"estimate?site_id={town.ours.pk}").json()
    assert told == {"estimated_credits": 12.5, "current_balance": 14.999, "sufficient": False}
    answer = town.post(f"run_now?site_id={town.ours.pk}")
    assert (answer.status_code, answer.json()["code"]) == (400, "insufficient_credits")
    assert answer.json()["detail"]["estimated_credits"] == 12.5
    assert not town.get(f"lock?site_id={town.ours.pk}").json()["held"]
    credits.grant(Caller("root"), SystemClock().wall(), town.ours.account, 1, "h")
    assert town.get(f"estimate?site_id={town.ours.pk}").json()["sufficient"]
    assert started(town)


def test_a_verb_that_does_not_fit_says_the_state(town: Town) -> None:
    for name in ("pause", "resume", "cancel"):
        answer = verb(town, name, town.run)
        assert (answer.status_code, answer.json()["code"]) == (400, "wrong_state")
        assert answer.json()["detail"] == {"status": "completed"}
    run = started(town)
    assert verb(town, "resume", run).json()["detail"] == {"status": "running"}
    assert verb(town, "rollback", run).json()["code"] == "wrong_state"
    assert verb(town, "pause", run).status_code == 200
    assert verb(town, "resume", run).status_code == 200
    assert verb(town, "cancel", run, "&abort=true").status_code == 200
    assert control.find(run).abort_requested


def test_a_cancel_that_has_held_stamps_both_times(town: Town) -> None:
    run = started(town)
    end(run)
    newest = town.get(f"history?site_id={town.ours.pk}").json()["runs"][0]
    assert (newest["run_id"], newest["status"]) == (run, "cancelled")
    assert newest["cancelled_at"] == newest["completed_at"] != None  # noqa: E711
    assert town.get(f"current_run?site_id={town.ours.pk}").json() is None


def test_history_has_twenty_runs_newest_first_without_stage_results(town: Town) -> None:
    from tests.api.conftest import ended

    made = [town.run, *(ended(town.ours) for _ in range(22))]
    runs = town.get(f"history?site_id={town.ours.pk}").json()["runs"]
    assert [run["run_id"] for run in runs] == made[::-1][:20]
    assert set(runs[0]) == RUN_FIELDS


def test_the_overview_counts_what_waits_and_names_each_stage(town: Town) -> None:
    found = town.get(f"pipeline_overview?site_id={town.ours.pk}").json()
    assert (found["site_id"], found["pipeline"], found["run_id"]) == (town.ours.pk, "photos", None)
    assert [stage["number"] for stage in found["stages"]] == list(range(1, 9))
    review = found["stages"][-1]
    assert (review["kind"], review["pending"], review["counts"]) == ("manual", 1, {"waiting": 1})
    assert {stage["kind"] for stage in found["stages"]} == {"local", "ai", "manual"}


def test_what_is_worked_on_is_named_with_its_time(town: Town) -> None:
    from tests.console.rows import photo

    photo(town.ours, stage="read_exif", state="ready")
    run = started(town)
    assert town.get(f"current_processing?site_id={town.ours.pk}&run_id={town.run}").json() is None
    from penstock.config import current
    from penstock.ledger.drive import ledger_of

    batch = ledger_of(current()).claim(run, {"cpu": 1})
    assert batch is not None
    found = town.get(f"current_processing?site_id={town.ours.pk}&run_id={run}").json()
    assert (found["stage"], found["stage_name"], found["processed"], found["total"]) == (3, "read_exif", 0, 1)
    (item,) = found["items"]
    assert item["title"].startswith("DSCF")
    assert 0 <= item["seconds"] < 60


def test_the_log_is_the_tail_and_never_more_than_was_asked(town: Town) -> None:
    found = town.get(f"logs?run_id={town.run}&lines=1").json()
    assert found["run_id"] == town.run
    assert len(found["lines"]) == 1
    assert "completed" in found["lines"][0]
    for lines in ("0", "5001", "-1", "1.0", "x", ""):
        assert town.get(f"logs?run_id={town.run}&lines={lines}").status_code == 400


def test_a_rollback_can_be_looked_at_first(town: Town) -> None:
    told = verb(town, "rollback", town.run, "&dry_run=true").json()
    assert told == {"run_id": town.run, "dry_run": True, "rows": 0, "files": 0, "names": 0, "skipped_published": 0}
    assert control.find(town.run).rolled_back_at is None
    assert verb(town, "rollback", town.run).json()["dry_run"] is False
    assert control.find(town.run).rolled_back_at


def test_a_lock_is_released_only_when_its_holder_is_dead(town: Town) -> None:
    from penstock.config import current
    from penstock.ledger.drive import ledger_of
    from tests.console.rows import photo

    photo(town.ours, stage="read_exif", state="ready")
    assert town.post(f"release_lock?site_id={town.ours.pk}").json()["code"] == "not_locked"
    run = started(town)
    ledger_of(current()).claim(run, {"cpu": 1})
    held = town.post(f"release_lock?site_id={town.ours.pk}")
    assert (held.status_code, held.json()["code"]) == (400, "lock_alive")
    m.Batch.objects.filter(open=True).update(holder=DEAD.to_text())
    assert town.get(f"current_run?site_id={town.ours.pk}").json()["interrupted"]
    freed = town.post(f"release_lock?site_id={town.ours.pk}")
    assert (freed.status_code, freed.json()["held"]) == (200, False)
    assert broken() == []


@pytest.mark.parametrize("bad", ["", "0", "-1", "x", "1.0", "1e3", "+1", " 1", "1_0", "9223372036854775808", "１"])
def test_a_malformed_site_is_400_and_named(town: Town, bad: str) -> None:
    answer = town.get(f"config?site_id={bad}")
    assert (answer.status_code, answer.json()["detail"]) == (400, {"field": "site_id"})


@pytest.mark.parametrize("bad", ["", "x", "../../etc", "20261125-101010-abc", "20261125-101010-ABCD", "%00", "%27"])
def test_a_malformed_run_is_400_and_named(town: Town, bad: str) -> None:
    answer = town.get(f"logs?run_id={bad}")
    assert (answer.status_code, answer.json()["detail"]) == (400, {"field": "run_id"})


def test_a_run_of_another_site_of_the_same_account_is_missing(town: Town) -> None:
    from penstock.accounts.models import create_site

    second = create_site("second", "photos", account="one")
    answer = town.post(f"pause?site_id={second.pk}&run_id={town.run}")
    assert (answer.status_code, answer.json()["error"]) == (404, "there is no such run")


def test_every_change_by_a_caller_says_who_it_was(town: Town) -> None:
    run = started(town)
    verb(town, "pause", run)
    town.put(f"update_config?site_id={town.ours.pk}", {"overlap": False})
    told = m.Event.objects.filter(site=town.ours, kind__in=["started", "pause", "site"]).order_by("id")
    assert list(told.values_list("kind", "who"))[-3:] == [("started", "owner"), ("pause", "owner"), ("site", "owner")]
