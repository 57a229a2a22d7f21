from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from penstock.pipelines.photos.models import Photo, ReservedName
from penstock.review import gate
from penstock.review.models import Decision
from tests.console.editor.asking import Desk, seen, state, wanted
from tests.console.rows import photo, site


def test_a_repeated_decision_is_the_same_decision(ledger_home: Path) -> None:
    made = photo(site())
    for verb, more in (("edit", {"fields": {"Subject": "Pigeons"}}), ("hold", {}), ("unhold", {}), ("approve", {})):
        one = wanted(made, verb, **more)
        first, again = Desk().decide(one), Desk().decide(one)
        assert first[0]["ok"], first
        assert again[0]["ok"], again
        assert first[0]["row"]["revision"] == again[0]["row"]["revision"]
    assert state(made) == ("approved", 4)
    assert [one.verdict for one in Decision.objects.order_by("id")] == ["edited", "edited", "edited", "approved"]


def test_every_decision_carries_the_person(ledger_home: Path) -> None:
    from django.conf import settings

    made = photo(site())
    Desk().decide(wanted(made, "approve"))
    assert Decision.objects.get().who == settings.PENSTOCK.operator


def test_a_row_that_changed_elsewhere_is_not_overwritten_and_comes_back(ledger_home: Path) -> None:
    made = photo(site())
    mine = wanted(made, "edit", fields={"Caption": "Mine, with quite a few words in it for once."})
    gate.edit("photo", made.pk, {"Subject": "Theirs"}, who="ann", at=datetime.now(UTC))
    [refused] = Desk().decide(mine)
    assert (refused["ok"], refused["code"]) == (False, "changed")
    assert refused["row"]["fields"]["Subject"] == "Theirs"
    made.refresh_from_db()
    assert made.Caption.startswith("Water falls")


def test_an_approval_is_for_what_was_seen(ledger_home: Path) -> None:
    made = photo(site())
    one = wanted(made, "approve", seen=seen(made))
    Photo.objects.filter(pk=made.pk).update(Caption="A machine wrote this over it, without a new revision.")
    [refused] = Desk().decide(one)
    assert refused["code"] == "changed"
    assert state(made)[0] == "waiting"


def test_saving_and_approving_is_both_or_neither(ledger_home: Path) -> None:
    made = photo(site())
    half = wanted(made, "save_approve", fields={"Caption": "A new caption for it, long enough.", "QR": "11"})
    [refused] = Desk().decide(half)
    assert (refused["ok"], refused["field"]) == (False, "QR")
    assert state(made) == ("waiting", 0)
    photo_on_hold = wanted(made, "hold")
    Desk().decide(photo_on_hold)
    [refused] = Desk().decide(wanted(made, "save_approve", fields={"Caption": "A new caption that is not saved."}))
    assert "hold" in refused["sentence"]
    made.refresh_from_db()
    assert made.Caption.startswith("Water falls")
    Desk().decide(wanted(made, "unhold"))
    whole = wanted(made, "save_approve", seen=seen(made), fields={"Caption": "A new caption for it, long enough."})
    assert Desk().decide(whole)[0]["ok"]
    assert Desk().decide(whole)[0]["ok"]
    assert state(made) == ("approved", 4)
    assert made.Caption == "A new caption for it, long enough."


def test_one_that_is_refused_does_not_stop_the_others(ledger_home: Path) -> None:
    owner = site()
    first, second = photo(owner), photo(owner)
    desk = Desk()
    results = desk.decide(wanted(first, "reject"), wanted(second, "reject", reason="Duplicate"))
    assert [one["ok"] for one in results] == [False, True]
    assert "reason" in results[0]["sentence"]
    assert (state(first)[0], state(second)[0]) == ("waiting", "rejected")


def test_a_repeated_decision_says_when_another_came_after_it(ledger_home: Path) -> None:
    made = photo(site())
    one = wanted(made, "hold")
    assert Desk().decide(one)[0]["overtaken"] is False
    assert Desk().decide(one)[0]["overtaken"] is False
    gate.edit("photo", made.pk, {"Subject": "Theirs"}, who="ann", at=datetime.now(UTC))
    assert Desk().decide(one)[0]["overtaken"] is True


def test_undoing_a_rejection_brings_the_row_and_its_name_back(ledger_home: Path) -> None:
    owner = site()
    made = photo(owner)
    name = made.File_Name
    desk = Desk()
    desk.decide(wanted(made, "reject", reason="Duplicate"))
    assert not ReservedName.objects.filter(owner=made.pk).exists()
    [back] = desk.decide(wanted(made, "pending"))
    assert back["row"]["status"] == "Pending"
    assert ReservedName.objects.get(owner=made.pk).name == name
    desk.decide(wanted(made, "reject", reason="Duplicate"))
    gate.edit("photo", photo(owner).pk, {"File_Name": name}, who="ann", at=datetime.now(UTC))
    [back] = desk.decide(wanted(made, "pending"))
    assert back["row"]["fields"]["File_Name"] not in ("", name)


def test_an_id_of_another_rows_decision_is_refused(ledger_home: Path) -> None:
    owner = site()
    first, second = photo(owner), photo(owner)
    one = wanted(first, "approve")
    Desk().decide(one)
    [refused] = Desk().decide({**wanted(second, "approve"), "decision_id": one["decision_id"]})
    assert not refused["ok"]
    assert state(second)[0] == "waiting"


def test_a_busy_database_leaves_the_rest_to_be_sent_again(ledger_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = site()
    first, second = photo(owner), photo(owner)
    real = gate.approve

    def busy(table: str, item: int, **more: Any) -> Any:
        if item == second.pk:
            raise OperationalError("database is locked")
        return real(table, item, **more)

    monkeypatch.setattr(gate, "approve", busy)
    told = Desk().told("decisions", decisions=[wanted(first, "approve"), wanted(second, "approve")])
    assert len(told["results"]) == 1
    assert told["busy"]


def test_a_name_that_another_photo_holds_is_told_at_its_field(ledger_home: Path) -> None:
    owner = site()
    first, second = photo(owner), photo(owner)
    [refused] = Desk().decide(wanted(second, "edit", fields={"File_Name": first.File_Name}))
    assert (refused["code"], refused["field"]) == ("refused", "File_Name")
    assert str(first.pk) in refused["sentence"]


def test_an_edit_of_an_approved_row_takes_the_approval_back(ledger_home: Path) -> None:
    made = photo(site(), state="waiting")
    desk = Desk()
    desk.decide(wanted(made, "approve"))
    [edited] = desk.decide(wanted(made, "edit", fields={"Subject": "Pigeons"}))
    assert edited["row"]["status"] == "Pending"
    assert edited["row"]["edited"] == ["Subject"]
