from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from penstock.console import signin
from penstock.console.signin import LINK_SECONDS, SESSION_SECONDS, Doorkeeper, keeper
from penstock.engine.clock import VirtualClock
from penstock.engine.ids import RandomIds
from tests.console.rows import sign_in, signed_in, site

HOST = {"host": "127.0.0.1"}


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def door(clock: VirtualClock) -> Doorkeeper:
    return Doorkeeper(clock, RandomIds(), "ann")


def test_a_link_opens_one_session_for_the_operator(door: Doorkeeper) -> None:
    token = door.new_link()
    session = door.open_session(token)
    assert session is not None
    assert door.who(session) == "ann"
    assert door.open_session(token) is None


def test_links_are_not_kept_as_they_are_and_cannot_be_guessed(door: Doorkeeper) -> None:
    token = door.new_link()
    assert len(token) >= 32
    assert token not in repr(vars(door))
    assert door.open_session("") is None
    assert door.open_session(token[:-1]) is None


def test_a_link_is_worth_nothing_after_ten_minutes(door: Doorkeeper, clock: VirtualClock) -> None:
    token = door.new_link()
    clock.advance(LINK_SECONDS + 1)
    assert door.open_session(token) is None


def test_a_session_ends_by_itself(door: Doorkeeper, clock: VirtualClock) -> None:
    session = door.open_session(door.new_link()) or ""
    clock.advance(SESSION_SECONDS - 1)
    assert door.who(session) == "ann"
    clock.advance(2)
    assert door.who(session) == ""


def test_a_session_outlives_a_restart_of_the_program(door: Doorkeeper, clock: VirtualClock) -> None:
    session = door.open_session(door.new_link()) or ""
    assert Doorkeeper(clock, RandomIds(), "ben").who(session) == "ann"


@pytest.mark.parametrize("forged", ["", "x", "a:b:c", "eyJ3aG8iOiJldmUifQ:bm90LXNpZ25lZA"])
def test_a_forged_session_is_nobody(door: Doorkeeper, forged: str) -> None:
    assert door.who(forged) == ""


def test_a_changed_session_is_nobody(door: Doorkeeper) -> None:
    session = door.open_session(door.new_link()) or ""
    assert door.who("A" + session[1:]) == ""


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
