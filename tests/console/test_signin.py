from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from penstock.accounts.sessions import SESSION_SECONDS, keeper
from penstock.console import signin
from tests.console.rows import sign_in, signed_in, site

HOST = {"host": "127.0.0.1"}


def test_looking_at_a_link_spends_nothing_and_sending_it_signs_in(ledger_home: Path) -> None:
    client, token = Client(headers=HOST), keeper().new_link()
    assert token in client.get(f"/signin?token={token}").content.decode()
    answer = client.post("/signin", {"token": token})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    cookie = client.cookies["penstock_session_80"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert int(cookie["max-age"]) == SESSION_SECONDS
    assert client.get("/").status_code == 200


def test_a_used_link_says_so(ledger_home: Path) -> None:
    client, token = Client(headers=HOST), keeper().new_link()
    client.post("/signin", {"token": token})
    answer = Client(headers=HOST).post("/signin", {"token": token})
    assert answer.status_code == 403
    assert "has been used" in answer.content.decode()
    assert "penstock_session_80" not in answer.cookies


@pytest.mark.parametrize(
    "address",
    ["/", "/sites/rome/review", "/sites/rome/review/1", "/sites/rome/review/1/picture", "/sites/rome/runs", "/runs/x"],
)
def test_nobody_sees_a_page_without_signing_in(ledger_home: Path, address: str) -> None:
    site()
    answer = Client(headers=HOST).get(address)
    assert answer.status_code == 401
    assert "rome" not in answer.content.decode()


def test_every_address_but_the_way_in_asks_for_a_session(ledger_home: Path) -> None:
    from django.urls import get_resolver, reverse

    given = {"site": "rome", "item": 1, "run": "x"}
    site()
    client, seen = Client(headers=HOST), set()
    for pattern in get_resolver("penstock.console.urls").url_patterns:
        wanted = {name: given[name] for name in pattern.pattern.converters}
        answers = [ask(reverse(pattern.name, kwargs=wanted)) for ask in (client.get, client.post)]
        seen |= {pattern.name} if {answer.status_code for answer in answers} == {401} else set()
    names = {pattern.name for pattern in get_resolver("penstock.console.urls").url_patterns}
    assert names - seen == {"sign_in"}
    assert len(seen) > 20
    assert signin.RequireSignIn.__module__ + ".RequireSignIn" in _middleware()


def _middleware() -> list[str]:
    from django.conf import settings

    return list(settings.MIDDLEWARE)


def test_a_session_that_was_signed_out_is_over_for_every_copy_of_it(ledger_home: Path) -> None:
    client = signed_in()
    copy = client.cookies["penstock_session_80"].value
    assert "signed out" in client.post("/signout").content.decode()
    other = Client(headers=HOST)
    other.cookies["penstock_session_80"] = copy
    assert other.get("/").status_code == 401


def test_signing_in_and_out_needs_the_forms_own_token(ledger_home: Path) -> None:
    client = Client(enforce_csrf_checks=True, headers=HOST)
    assert client.post("/signin", {"token": keeper().new_link()}).status_code == 403
    sign_in(client)
    assert client.post("/signout").status_code == 403
    assert client.get("/").status_code == 200
