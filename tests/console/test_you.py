from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.test import Client

from penstock.accounts import passwords, tokens, users
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import ApiToken, Session, User
from penstock.accounts.sessions import keeper
from penstock.engine.clock import SystemClock
from tests.console.rows import signed_in, site

AT = datetime(2026, 11, 25, 9, 15, tzinfo=UTC)
ME = Caller("root", via="terminal")
PASSWORD = "a long enough password, twice"


def person(name: str, owner: Any, role: Role) -> Client:
    """Somebody with a password, signed in."""
    user = users.create(ME, AT, name, PASSWORD)
    users.add_member(ME, AT, user, owner.account, role)
    client = Client(headers={"host": "127.0.0.1"})
    session = keeper().sign_in(name, PASSWORD, "127.0.0.1")
    assert session is not None
    client.cookies["penstock_session_80"] = session
    return client


def told_token(answer: Any) -> str:
    found = re.search(r"<code>(pst_\w+)</code>", answer.content.decode())
    assert found is not None
    return found[1]


def test_an_owner_makes_a_token_that_is_shown_once_and_works(ledger_home: Path) -> None:
    owner = site()
    client = person("ann", owner, Role.OWNER)
    sent = {"site": "rome", "role": "operator", "lasts": "30", "label": "robot"}
    text = told_token(client.post("/you/tokens", sent))
    caller = tokens.caller_of(text, SystemClock().wall())
    assert caller is not None
    assert (caller.name, caller.most, caller.site) == ("ann", Role.OPERATOR, owner.pk)
    page = client.get("/you").content.decode()
    assert text not in page
    assert text[-4:] in page


def test_nobody_makes_a_token_for_a_site_that_they_do_not_own(ledger_home: Path) -> None:
    owner, other = site(), site("delft", account="two")
    operator, foreign = person("bob", owner, Role.OPERATOR), person("eve", other, Role.OWNER)
    for client, name in ((operator, "rome"), (foreign, "rome"), (foreign, ""), (foreign, "nowhere")):
        sent = {"site": name, "role": "viewer", "lasts": "30", "user": "bob"}
        assert client.post("/you/tokens", sent).status_code == 422
    assert not ApiToken.objects.exists()


def test_a_token_is_revoked_and_stays_in_the_list(ledger_home: Path) -> None:
    client = person("ann", site(), Role.OWNER)
    text = told_token(client.post("/you/tokens", {"site": "rome", "role": "viewer", "lasts": "never"}))
    client.post(f"/you/tokens/{ApiToken.objects.get().pk}")
    assert tokens.caller_of(text, SystemClock().wall()) is None
    assert "revoked" in client.get("/you").content.decode()


def test_who_started_the_program_makes_tokens_for_users(ledger_home: Path) -> None:
    owner = site()
    assert "penstock</span> <span>user</span> <span>create" in signed_in().get("/you").content.decode()
    person("ann", owner, Role.OWNER)
    sent = {"user": "ann", "site": "", "role": "viewer", "lasts": "90"}
    caller = tokens.caller_of(told_token(signed_in().post("/you/tokens", sent)), SystemClock().wall())
    assert caller is not None
    assert (caller.name, caller.site) == ("ann", None)


def test_a_password_is_changed_by_who_knows_it_and_ends_every_session(ledger_home: Path) -> None:
    client = person("ann", site(), Role.VIEWER)
    new = "another long password, thrice"
    wrong = client.post("/you/password", {"old": "guess", "new": new})
    assert wrong.status_code == 422
    assert "the present password is another one" in wrong.content.decode().lower()
    assert client.post("/you/password", {"old": PASSWORD, "new": "short"}).status_code == 422
    assert client.post("/you/password", {"old": PASSWORD, "new": new}).status_code == 302
    assert not Session.objects.filter(user__name="ann").exists()
    assert passwords.matches(User.objects.get(name="ann").password, new)


def test_guesses_of_the_present_password_are_slowed_down(ledger_home: Path) -> None:
    client = person("ann", site(), Role.VIEWER)
    answers = [client.post("/you/password", {"old": f"guess {n}", "new": PASSWORD}) for n in range(7)]
    assert "too many" in answers[-1].content.decode().lower()


def test_who_started_the_program_has_no_password_to_change(ledger_home: Path) -> None:
    assert signed_in().post("/you/password", {"old": "", "new": PASSWORD}).status_code == 404
