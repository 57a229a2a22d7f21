from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.api.conftest import BASE, HOST, Town
from tests.console.rows import sign_in


@pytest.mark.parametrize("header", ["Bearer x", "Bearer pst_" + "0" * 64, "Bearer", "Basic YTpi", "x"])
def test_a_header_that_is_worth_nothing_is_401_even_beside_a_good_cookie(town: Town, header: str) -> None:
    client = Client(headers=HOST)
    sign_in(client)
    assert client.get(f"{BASE}config?site_id={town.ours.pk}").status_code == 200
    answer = client.get(f"{BASE}config?site_id={town.ours.pk}", headers={"authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "no_caller")


def test_a_token_in_the_address_is_no_token(town: Town) -> None:
    for name in ("token", "access_token", "authorization", "key"):
        answer = town.get(f"config?site_id={town.ours.pk}&{name}={town.tokens['owner']}", "anonymous")
        assert answer.status_code == 401


def test_a_cookie_changes_nothing_without_the_csrf_token_and_a_bearer_needs_none(town: Town) -> None:
    client = Client(headers=HOST, enforce_csrf_checks=True)
    sign_in(client)
    path = f"{BASE}run_now?site_id={town.ours.pk}"
    refused = client.post(path)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
    assert town.get(f"current_run?site_id={town.ours.pk}").json() is None
    assert client.get(f"{BASE}config?site_id={town.ours.pk}").status_code == 200
    page = client.get("/").content.decode()
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    assert client.post(path, headers={"x-csrftoken": token}).status_code == 201
    bearer = Client(headers=HOST | {"authorization": f"Bearer {town.tokens['owner']}"}, enforce_csrf_checks=True)
    assert bearer.post(path).json()["code"] == "already_running"


def test_a_foreign_origin_is_refused_even_with_the_token(town: Town) -> None:
    client = Client(headers=HOST, enforce_csrf_checks=True)
    sign_in(client)
    page = client.get("/").content.decode()
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    headers = {"x-csrftoken": token, "origin": "https://evil.example"}
    answer = client.post(f"{BASE}run_now?site_id={town.ours.pk}", headers=headers)
    assert answer.status_code == 403


def test_a_token_for_one_site_reaches_no_other(town: Town) -> None:
    from penstock.accounts import tokens
    from penstock.accounts.access import Caller, Role
    from penstock.accounts.models import User, create_site
    from penstock.engine.clock import SystemClock
    from penstock.engine.ids import RandomIds

    second = create_site("second", "photos", account="one")
    owner = User.objects.get(name="owner")
    made = tokens.create(Caller("root"), SystemClock().wall(), RandomIds(), owner, role=Role.OPERATOR, site=second)
    town.tokens["narrow"] = made[1]
    assert town.get(f"config?site_id={second.pk}", "narrow").status_code == 200
    assert town.get(f"config?site_id={town.ours.pk}", "narrow").status_code == 404
    assert town.put(f"update_config?site_id={second.pk}", {"overlap": False}, "narrow").status_code == 403


def test_the_sign_in_form_opens_a_session_for_a_user_and_slows_down_who_guesses(town: Town) -> None:
    from penstock.accounts import users
    from penstock.accounts.access import Caller
    from penstock.accounts.models import User
    from penstock.engine.clock import SystemClock

    secret = "three grey herons by the pond"
    users.set_password(Caller("root"), SystemClock().wall(), User.objects.get(name="viewer"), secret)
    client: Any = Client(headers=HOST)
    assert 'type="password"' in client.get("/signin").content.decode()
    answer = client.post("/signin", {"name": "viewer", "password": secret})
    assert answer.status_code == 302
    assert client.get(f"{BASE}config?site_id={town.ours.pk}").status_code == 200
    assert client.get(f"{BASE}config?site_id={town.theirs.pk}").status_code == 404
    assert [client.get("/").content.decode().count(name) > 0 for name in ("/sites/ours/", "/sites/theirs/")] == [
        True,
        False,
    ]
    other: Any = Client(headers=HOST)
    told = {other.post("/signin", {"name": name, "password": "x"}).status_code for name in ("viewer",) * 5 + ("no",)}
    assert told == {403}
    assert other.post("/signin", {"name": "viewer", "password": secret}).status_code == 429
