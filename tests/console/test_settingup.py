from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from penstock.accounts import users
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import AuditEntry, Site
from penstock.accounts.sessions import keeper
from penstock.engine.clock import SystemClock
from tests.console.rows import signed_in, site

FORM = {"name": "alps", "pipeline": "photos", "timezone": "Europe/Zurich", "account": "default"}


def test_the_first_site_is_made_with_its_account_and_leads_to_its_photos(ledger_home: Path) -> None:
    answer = signed_in().post("/sites", FORM)
    assert answer.headers["Location"] == "/sites/alps/sets"
    made = Site.objects.get()
    assert (made.account.name, made.timezone, made.home_root) == ("default", "Europe/Zurich", True)
    assert AuditEntry.objects.filter(verb="site.create", site=made.pk).exists()


@pytest.mark.parametrize(
    ("field", "value"), [("name", "No Good"), ("name", ""), ("timezone", "Mars/Base"), ("pipeline", "magic")]
)
def test_a_wrong_field_is_told_and_the_form_stays(ledger_home: Path, field: str, value: str) -> None:
    answer = signed_in().post("/sites", {**FORM, field: value})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert "Europe/Zurich" in answer.content.decode()
    assert not Site.objects.exists()


def test_nobody_makes_a_site_in_an_account_that_they_do_not_own(ledger_home: Path) -> None:
    ours, theirs = site("ours", account="one"), site("theirs", account="two")
    me, at = Caller("root", via="terminal"), SystemClock().wall()
    for name, place, role, there, status in (
        ("ann", ours, Role.OWNER, "one", 302), ("bob", ours, Role.OPERATOR, "one", 403),
        ("eve", theirs, Role.OWNER, "one", 404), ("kim", theirs, Role.OWNER, "nowhere", 404),
    ):  # fmt: skip
        user = users.create(me, at, name)
        users.add_member(me, at, user, place.account, role)
        client = Client(headers={"host": "127.0.0.1"})
        client.cookies["penstock_session_80"] = keeper()._open(user, name)
        answer = client.post("/sites", {**FORM, "name": f"of-{name}", "account": there})
        assert answer.status_code == status, name
    assert set(Site.objects.values_list("name", flat=True)) == {"ours", "theirs", "of-ann"}
