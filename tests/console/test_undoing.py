from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from penstock.ledger.models import Batch, Run
from penstock.pipelines.photos.models import Photo, ReservedName
from tests.console.rows import photo, signed_in, site

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def _run(owner: object, **more: object) -> Run:
    values = {"status": "completed", "recorded": True, "active_key": None, **more}
    return Run.objects.create(id="r1", site=owner, pipeline="photos", plan={}, started_at=AT, **values)


def test_a_rollback_shows_first_what_it_will_do_and_then_does_just_that(ledger_home: Path) -> None:
    owner = site()
    _run(owner)
    made = photo(owner, made_by="r1", run=None)
    kept = photo(owner)
    client = signed_in()
    page = client.get("/runs/r1/rollback").content.decode()
    assert "<strong>1</strong> rows that the run made are removed" in page
    assert Photo.objects.filter(pk=made.pk).exists()
    stale = client.post("/runs/r1/rollback", {"rows": "2"})
    assert stale.status_code == 409
    assert Photo.objects.filter(pk=made.pk).exists()
    assert client.post("/runs/r1/rollback", {"rows": "1"}).status_code == 302
    assert list(Photo.objects.values_list("pk", flat=True)) == [kept.pk]
    assert not ReservedName.objects.filter(owner=made.pk).exists()
    assert "rolled back already" in client.get("/runs/r1/rollback").content.decode()


def test_an_open_run_is_not_rolled_back(ledger_home: Path) -> None:
    owner = site()
    _run(owner, status="running", active_key=f"{owner.pk}:run")
    client = signed_in()
    assert "Cancel it first" in client.get("/runs/r1/rollback").content.decode()
    assert client.post("/runs/r1/rollback", {"rows": "0"}).status_code == 409


def test_what_a_crash_left_is_shown_and_brought_in_order(ledger_home: Path) -> None:
    owner = site()
    run = _run(owner, status="running", active_key=f"{owner.pk}:run", interrupted=True)
    batch = Batch.objects.create(run=run, stage="score", holder="elsewhere other 1 1", boot="other", until=0.0, size=1)
    client = signed_in()
    page = client.get("/sites/rome/recover").content.decode()
    assert "<strong>1</strong> batches belong to programs that have gone" in page
    assert "r1" in page
    assert Batch.objects.get(pk=batch.pk).open
    assert client.post("/sites/rome/recover").status_code == 302
    assert not Batch.objects.get(pk=batch.pk).open
    assert "Nothing is left half done" in client.get("/sites/rome/recover").content.decode()


def test_a_paused_session_goes_on_and_only_on_its_own_site(ledger_home: Path) -> None:
    owner, _ = site(), site("delft")
    _run(owner, status="paused", active_key=f"{owner.pk}:run")
    client = signed_in()
    assert "Go on with it" in client.get("/sites/rome/recover").content.decode()
    assert client.post("/sites/delft/recover", {"resume": "r1"}).status_code == 422
    assert client.post("/sites/rome/recover", {"resume": "r1"}).status_code == 302
    assert Run.objects.get().status == "running"
