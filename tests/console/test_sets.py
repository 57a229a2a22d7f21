from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from PIL import Image

from penstock.accounts import users
from penstock.accounts.access import Caller, Role
from penstock.accounts.sessions import keeper
from penstock.console import sets
from penstock.pipelines.photos.models import PhotoFile, PhotoSet, Taxon
from tests.console.rows import photo, signed_in, site

PAGE = "/sites/rome/sets"


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def pictures(folder: Path) -> Path:
    folder.mkdir()
    for n in range(2):
        Image.new("RGB", (8, 8), (n, n, n)).save(folder / f"{n}.jpg")
    return folder


def form(place: Path, **changes: str) -> dict[str, str]:
    return {"path": str(place), "folder": "city", "location": "Rome_Italy", "subject": "Fountain", **changes}


def test_a_site_without_photos_says_how_to_add_some(ledger_home: Path) -> None:
    site()
    text = signed_in().get(PAGE).content.decode()
    assert "There are no photos yet" in text
    assert "penstock photos add FOLDER --site rome" in words(text)


def test_a_folder_becomes_a_set_and_leads_to_the_run(ledger_home: Path, tmp_path: Path) -> None:
    site()
    text = signed_in().post(PAGE, form(pictures(tmp_path / "p"))).content.decode()
    assert "has 2 photos" in text
    assert 'href="/sites/rome/automation"' in text
    assert "Fountain Rome_Italy city 2 2 0 0 0" in words(text)


def test_a_new_place_is_asked_about_and_nothing_is_made_before_the_yes(ledger_home: Path, tmp_path: Path) -> None:
    site()
    sent = form(pictures(tmp_path / "p"), folder="parks", location="Oslo_Norway")
    text = signed_in().post(PAGE, sent).content.decode()
    questions = re.findall(r'name="sure" value="([^"]+)"', text)
    assert len(questions) == 2
    assert not PhotoSet.objects.exists()
    asked = [one.replace("&#x27;", "'") for one in questions]
    signed_in().post(PAGE, {**sent, "sure": asked})
    assert not PhotoSet.objects.exists()
    signed_in().post(PAGE, {**sent, "sure": asked, "yes": "on"})
    assert PhotoSet.objects.get().location == "Oslo_Norway"
    assert Taxon.objects.filter(key="parks").exists()


def test_a_wrong_form_is_told_and_kept(ledger_home: Path, tmp_path: Path) -> None:
    site()
    for sent, told in (
        (form(tmp_path / "missing"), "no such file or folder"),
        (form(tmp_path, subject=" "), "What they show"),
        (form(tmp_path), "no pictures there"),
    ):
        answer = signed_in().post(PAGE, sent)
        assert answer.status_code == 422
        assert told in answer.content.decode()
        assert f'value="{sent["path"]}"' in answer.content.decode()
    assert not PhotoFile.objects.exists()


def test_only_who_started_the_program_names_folders_of_the_machine(ledger_home: Path, tmp_path: Path) -> None:
    owner, me = site(), Caller("root", via="terminal")
    from penstock.engine.clock import SystemClock

    at = SystemClock().wall()
    user = users.create(me, at, "ann")
    users.add_member(me, at, user, owner.account, Role.OWNER)
    client = Client(headers={"host": "127.0.0.1"})
    client.cookies["penstock_session_80"] = keeper()._open(user, "ann")
    assert 'name="path"' not in client.get(PAGE).content.decode()
    assert client.post(PAGE, form(pictures(tmp_path / "p"))).status_code == 422
    assert not PhotoFile.objects.exists()


def test_each_set_tells_how_far_its_photos_are(ledger_home: Path) -> None:
    owner = site()
    photo(owner)
    photo(owner, stage="score", state="failed")
    photo(owner, state="approved")
    assert "Fountain Rome_Italy city 0 0 1 1 1" in words(signed_in().get(PAGE).content.decode())


def test_a_very_large_site_is_not_counted_set_by_set(ledger_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(site())
    monkeypatch.setattr(sets, "COUNTED", 0)
    text = words(signed_in().get(PAGE).content.decode())
    assert "Fountain Rome_Italy city With more than 0 photos" in text
