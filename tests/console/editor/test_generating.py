from __future__ import annotations

from pathlib import Path

from penstock import config
from penstock.ledger.drive import drive
from penstock.pipelines.photos.models import Photo
from penstock.review.models import Decision
from tests.console.editor.asking import Desk, wanted
from tests.console.rows import site
from tests.pipelines.photos.test_regenerate import known


def test_a_wish_is_made_heard_of_and_taken_as_a_decision(ledger_home: Path) -> None:
    made = known(site())
    desk, before = Desk(), made.Caption
    [job] = desk.told("generate", items=[made.pk], fields=["Caption"])["jobs"]
    assert (job["state"], job["item"]) == ("working", made.pk)
    assert desk.told("rows", ids=[made.pk])["rows"][0]["job"]["job"] == job["job"]
    assert drive(config.current(), interruptible=False)
    [done] = desk.told("jobs", jobs=[job["job"]])["jobs"]
    one = wanted(made, "generated", job=job["job"], fields=done["texts"])
    assert desk.decide(one)[0]["ok"]
    assert desk.decide(one)[0]["ok"]
    made.refresh_from_db()
    assert made.Caption == done["texts"]["Caption"] != before
    assert [one.verdict for one in Decision.objects.all()] == ["generated"]
    assert desk.told("rows", ids=[made.pk])["rows"][0]["job"] is None


def test_what_is_sent_with_a_generation_is_not_what_is_written(ledger_home: Path) -> None:
    made = known(site())
    desk = Desk()
    [job] = desk.told("generate", items=[made.pk], fields=["Caption"])["jobs"]
    drive(config.current(), interruptible=False)
    assert desk.decide(wanted(made, "generated", job=job["job"], fields={"Caption": "Forged."}))[0]["ok"]
    made.refresh_from_db()
    assert made.Caption != "Forged."
    assert not desk.decide(wanted(made, "generated", fields={"Caption": "x"}))[0]["ok"]


def test_a_wish_beside_runs_is_no_photo_that_waits_or_failed(ledger_home: Path) -> None:
    from tests.console.rows import signed_in

    owner = site()
    made = known(owner)
    Desk().told("generate", items=[made.pk], fields=["Caption"])
    Photo.objects.filter(pk=made.pk).delete()
    drive(config.current(), interruptible=False)
    page = " ".join(signed_in().get("/").content.decode().split())
    assert "<dt>Failed</dt><dd>0</dd>" in page
