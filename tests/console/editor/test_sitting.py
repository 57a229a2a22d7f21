from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from penstock.pipelines.photos.models import PhotoSet
from penstock.review import gate
from tests.console.editor.asking import Desk
from tests.console.rows import photo, site


def test_a_sitting_lists_what_the_filters_leave_riskiest_first(ledger_home: Path) -> None:
    owner = site()
    change = {"rule": "hype", "field": "caption", "before": "a", "after": "b", "reason": "c"}
    plain, ruled, weak = photo(owner), photo(owner, changes=[change]), photo(owner, QC_Status="Very Low", QR=1.5)
    flagged = photo(owner, flags=["caption_too_short"])
    photo(owner, state="approved")
    found = Desk().told("queue", filters={"status": "Pending"})
    assert [row["id"] for row in found["rows"]] == [flagged.pk, ruled.pk, weak.pk, plain.pk]
    assert (found["total"], found["counts"]["Approved"]) == (4, 1)
    low = Desk().told("queue", filters={"status": "Pending", "score": "QR", "high": "2,0"})
    assert [row["id"] for row in low["rows"]] == [weak.pk]


def test_a_sitting_can_be_of_one_set(ledger_home: Path) -> None:
    owner = site()
    photo(owner)
    other = PhotoSet.objects.create(site=owner, folder="nature", location="Rome_Italy", subject="Heron")
    made = photo(owner)
    made.set = other
    made.save()
    found = Desk().told("queue", filters={"status": "Pending", "set": str(other.pk)})
    assert [row["id"] for row in found["rows"]] == [made.pk]


def test_an_order_that_is_given_is_kept_whatever_became_of_the_rows(ledger_home: Path) -> None:
    owner = site()
    first, second, third = photo(owner, state="approved"), photo(owner), photo(owner)
    found = Desk().told("queue", ids=[third.pk, first.pk, 10**9, second.pk])
    assert [row["id"] for row in found["rows"]] == [third.pk, first.pk, second.pk]


def test_a_whole_row_has_all_that_a_person_decides_on(ledger_home: Path) -> None:
    owner = site()
    made = photo(owner, provider="ollama", model="qwen@1234", prompt_version="3", Exposure="1/250 sec")
    [row] = Desk().told("rows", ids=[made.pk])["rows"]
    assert row["fields"]["Caption"] == made.Caption
    assert row["seen"]
    assert row["written_by"] == "ollama · qwen@1234 · prompt 3"
    assert ["Exposure", "1/250 sec"] in row["facts"]
    assert {one["name"] for one in row["scores"]} >= {"NIMA", "Sharpness"}
    assert row["job"] is None


def test_a_pulse_hears_what_changed_elsewhere_and_who_is_where(ledger_home: Path) -> None:
    owner = site()
    first, second = photo(owner), photo(owner)
    mine, theirs = Desk(), Desk()
    since = mine.told("queue")["since"]
    quiet = mine.told("pulse", sitting="window-mine", item=first.pk, since=since)
    assert (quiet["rows"], quiet["others"]) == ([], [])
    gate.approve("photo", second.pk, who="ann", at=datetime.now(UTC))
    theirs.told("pulse", sitting="window-theirs", item=first.pk)
    heard = mine.told("pulse", sitting="window-mine", item=first.pk, since=since)
    assert [(row["id"], row["status"]) for row in heard["rows"]] == [(second.pk, "Approved")]
    assert [(one["item"], one["first"]) for one in heard["others"]] == [(first.pk, False)]
    assert theirs.told("pulse", sitting="window-theirs", item=first.pk)["others"][0]["first"] is True
    assert mine.told("pulse", sitting="window-mine", item=first.pk, since=heard["since"])["rows"] == []
    theirs.told("pulse", sitting="window-theirs", leaving=True)
    assert mine.told("pulse", sitting="window-mine", item=first.pk, since=heard["since"])["others"] == []
