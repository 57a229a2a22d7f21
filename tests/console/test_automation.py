from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from penstock.accounts import credits
from penstock.accounts.access import Caller
from penstock.ledger import ESTIMATES, configuration, events
from penstock.ledger.models import Batch, Run, Slot, StageRun
from tests.console.rows import photo, signed_in, site

AT = datetime(2026, 11, 25, 9, 15, tzinfo=UTC)
PAGE = "/sites/rome/automation"


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def read(address: str = PAGE, **headers: str) -> str:
    return signed_in().get(address, headers=headers).content.decode()


def open_run(owner: Any, **fields: Any) -> Run:
    values = {"id": "20261125-091500-k3f9", "pipeline": "photos", "status": "running", "started_at": AT, "plan": {}}
    made = Run.objects.create(site=owner, **{**values, "active_key": f"{owner.pk}:run", **fields})
    StageRun.objects.create(
        run=made, number=5, name="score", title="AI quality scoring", table="photo", passed=7, leased=1, ready=2,
        started_at=AT, ended_at=AT,
    )  # fmt: skip
    return made


def form(owner: Any, **changes: str) -> dict[str, str]:
    """What the browser sends of the form as it is stored."""
    stored = configuration.read(owner)
    sent = {key: str(value) for key, value in stored.items() if not isinstance(value, bool)}
    return {**sent, **{key: "on" for key, value in stored.items() if value is True}, **changes}


def test_an_empty_site_says_that_photos_come_first(ledger_home: Path) -> None:
    site()
    text = read()
    assert "Nothing runs, and nothing waits." in words(text)
    assert "Add photos first" in text
    assert "No run yet." in text


def test_what_waits_can_be_run_and_every_switch_names_its_command_and_its_call(ledger_home: Path) -> None:
    owner = site()
    photo(owner, stage="score", state="ready")
    text = read()
    assert "1 item waits for a run." in words(text)
    assert 'value="run"' in text
    assert "penstock run rome --detach" in words(text)
    assert f"POST /api/v1/automation/run_now?site_id={owner.pk}" in text
    assert "5 · on this machine AI quality scoring 1 pending" in words(text)


def test_run_now_starts_a_run_and_a_second_one_is_refused_on_the_page(ledger_home: Path) -> None:
    owner = site()
    photo(owner, stage="score", state="ready")
    client = signed_in()
    assert client.post(f"{PAGE}/act", {"verb": "run"}).status_code == 302
    run = Run.objects.get()
    again = client.post(f"{PAGE}/act", {"verb": "run"})
    assert again.status_code == 409
    assert run.id in words(again.content.decode())
    assert Run.objects.count() == 1


def test_a_run_that_is_too_dear_is_not_offered(ledger_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = site()
    photo(owner, stage="score", state="ready")
    monkeypatch.setitem(ESTIMATES, "photos", lambda _site: 10 * credits.CREDIT)
    text = read()
    assert "estimated at 10 credits; the account has 0, and a run needs 1.2 times" in words(text)
    assert re.search(r'value="run" disabled', text)
    credits.grant(Caller("root"), AT, owner.account, 12 * credits.CREDIT, "k")
    assert not re.search(r'value="run" disabled', read())


@pytest.mark.parametrize(
    ("verb", "asked"), [("pause", "pause_requested"), ("cancel", "cancel_requested"), ("abort", "abort_requested")]
)
def test_the_verbs_reach_the_open_run(ledger_home: Path, verb: str, asked: str) -> None:
    run = open_run(site())
    assert signed_in().post(f"{PAGE}/act", {"verb": verb, "run": run.id}).status_code == 302
    run.refresh_from_db()
    assert getattr(run, asked)


def test_a_paused_run_is_resumed(ledger_home: Path) -> None:
    run = open_run(site(), status="paused", paused_at=AT)
    text = read()
    assert 'value="resume"' in text
    assert 'value="pause"' not in text
    signed_in().post(f"{PAGE}/act", {"verb": "resume", "run": run.id})
    run.refresh_from_db()
    assert run.status == "running"


def test_a_verb_for_a_run_that_is_not_open_any_more_changes_nothing(ledger_home: Path) -> None:
    run = open_run(site())
    answer = signed_in().post(f"{PAGE}/act", {"verb": "cancel", "run": "20261125-080000-aaaa"})
    assert answer.status_code == 409
    assert "not open any more" in answer.content.decode()
    run.refresh_from_db()
    assert not run.cancel_requested


def test_it_looks_again_often_while_a_run_is_open_and_seldom_when_idle(ledger_home: Path) -> None:
    owner = site()
    assert 'hx-trigger="every 30s"' in read()
    run = open_run(owner)
    part = read(**{"HX-Request": "true"})
    assert part.lstrip().startswith('<div id="now"')
    assert 'hx-trigger="every 5s"' in part
    assert "configuration" not in part
    Run.objects.filter(pk=run.pk).update(status="paused")
    assert 'hx-trigger="every 5s"' in read()


def test_what_is_in_hand_is_shown_with_its_place_in_the_whole(ledger_home: Path) -> None:
    owner = site()
    run = open_run(owner)
    batch = Batch.objects.create(run=run, stage="score", holder="host/1/2", boot="b", until=9e9, size=1)
    made = photo(owner, stage="score", state="leased", run=run.id, batch=batch.pk)
    text = words(read())
    assert "Stage 5, AI quality scoring : 7 of 11" in text
    assert made.File_Name in text or made.Original_File_Name in text


def test_a_dead_lock_is_told_and_released_by_an_owner(ledger_home: Path) -> None:
    run = open_run(site(), driver="gone")
    Batch.objects.create(run=run, stage="score", holder="elsewhere/1/2", boot="another", until=0.0, size=1)
    text = read()
    assert "is interrupted: the program that worked on it has gone" in words(text)
    assert "Release the lock" in text
    assert signed_in().post(f"{PAGE}/release").status_code == 302
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert signed_in().post(f"{PAGE}/release").status_code == 409


def test_the_log_tail_and_the_history_are_there_and_text_is_text(ledger_home: Path) -> None:
    owner = site()
    run = open_run(owner, status="failed", active_key=None, error_message="<b>no model</b>", completed_at=AT)
    events.record(AT, "settle", site=owner.pk, run=run.id, lines=[("INFO", "id=1 <i>scored</i>")])
    text = read()
    assert "id=1 &lt;i&gt;scored&lt;/i&gt;" in text
    assert "The last run failed: &lt;b&gt;no model&lt;/b&gt;" in text
    assert f'/runs/{run.id}/log"' in text


def test_the_configuration_is_saved_and_planned(ledger_home: Path) -> None:
    owner = site(timezone="Europe/Amsterdam")
    sent = form(owner, is_enabled="on", scheduled_time="03:30", stage_5_batch_size="7", within_stage_delay="1.5")
    answer = signed_in().post(f"{PAGE}/configuration", sent)
    assert answer.status_code == 302
    owner.refresh_from_db()
    stored = configuration.read(owner)
    assert (stored["is_enabled"], stored["scheduled_time"], stored["stage_5_batch_size"]) == (True, "03:30", 7)
    assert stored["within_stage_delay"] == 1.5
    assert "03:30" in words(read()).partition("Next:")[2][:40]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stage_5_batch_size", "0"), ("stage_5_batch_size", "1001"), ("stage_5_batch_size", "four"),
        ("within_stage_delay", "3601"), ("between_stage_delay", "-1"), ("scheduled_time", "25:00"),
        ("timezone", "Mars/Base"), ("frequency", "hourly"), ("stage_5_batch_size", ""), ("timezone", ""),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_at_its_field_and_nothing_is_saved(ledger_home: Path, field: str, value: str) -> None:
    owner = site()
    before = configuration.read(owner)
    answer = signed_in().post(f"{PAGE}/configuration", form(owner, **{field: value, "stage_6_batch_size": "9"}))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert f'id="why-{field}"' in text
    assert 'id="why-stage_6_batch_size"' not in text
    owner.refresh_from_db()
    assert configuration.read(owner) == before


def test_several_wrong_numbers_are_told_at_once(ledger_home: Path) -> None:
    owner = site()
    sent = form(owner, stage_5_batch_size="0", within_stage_delay="x")
    text = signed_in().post(f"{PAGE}/configuration", sent).content.decode()
    assert "2 fields below are not right" in words(text)


def test_what_became_of_slots_is_told(ledger_home: Path) -> None:
    Slot.objects.create(site=site(), due_at=AT, outcome="skipped", reason="run x is active", at=AT)
    assert "skipped run x is active" in words(read())


def test_the_only_site_is_gone_to_and_several_are_asked_about(ledger_home: Path) -> None:
    site()
    assert signed_in().get("/automation").headers["Location"] == PAGE
    site("delft")
    text = read("/automation")
    assert "/sites/delft/automation" in text
    assert PAGE in text


def test_looking_changes_nothing(ledger_home: Path) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    open_run(site())
    client = signed_in()
    client.get(PAGE)
    with CaptureQueriesContext(connection) as asked:
        client.get(PAGE)
    assert [one["sql"] for one in asked if not one["sql"].startswith("SELECT")] == []
