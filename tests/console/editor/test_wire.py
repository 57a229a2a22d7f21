from __future__ import annotations

from pathlib import Path

import pytest
from django.db import OperationalError

from tests.console.editor.asking import Desk
from tests.console.rows import photo, sign_in, signed_in, site


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"item": 0}', b'{"item": "x"}', b'{"item": 1, "more": 2}', b'{"item": 99999999999999999999}'],
)
def test_a_body_that_is_none_of_ours_is_one_sentence_and_changes_nothing(ledger_home: Path, body: bytes) -> None:
    site()
    client = signed_in()
    answer = client.post("/sites/rome/editor/past", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json()["sentence"].endswith("load the page again")


def test_looking_at_an_address_is_not_asking_it(ledger_home: Path) -> None:
    site()
    assert signed_in().get("/sites/rome/editor/queue").status_code == 405


def test_another_page_cannot_ask(ledger_home: Path) -> None:
    site()
    client = signed_in(enforce_csrf_checks=True)
    sign_in(client)
    for name in ("decisions", "generate", "add_word", "pulse"):
        answer = client.post(f"/sites/rome/editor/{name}", data=b"{}", content_type="application/json")
        assert answer.status_code == 403


def test_rows_of_another_site_are_as_if_they_did_not_exist(ledger_home: Path) -> None:
    site()
    foreign = photo(site("delft"))
    desk = Desk("rome")
    for name in ("past", "twins"):
        assert desk.ask(name, item=foreign.pk)[0] == 404
    assert desk.ask("name", item=foreign.pk, name="A.JPG")[0] == 404
    assert desk.ask("generate", items=[foreign.pk], fields=["Caption"])[0] == 404
    assert desk.told("rows", ids=[foreign.pk]) == {"rows": []}
    assert desk.told("queue", ids=[foreign.pk])["rows"] == []


def test_a_database_that_is_busy_says_so_and_may_be_asked_again(
    ledger_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site()

    def busy(*_: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("penstock.console.editor.sitting.Listing", busy)
    assert Desk().ask("queue")[0] == 503
