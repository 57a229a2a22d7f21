from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from penstock.accounts import users
from penstock.accounts.access import Caller, Role
from penstock.accounts.sessions import keeper
from penstock.console import roles
from penstock.engine.clock import SystemClock
from penstock.ledger.models import Run, StageRun
from tests.console.rows import photo, site

ID = "20261125-091500-k3f9"


def person(role: Role, owner: Any) -> Client:
    me, at = Caller("root", via="terminal"), SystemClock().wall()
    user = users.create(me, at, f"a-{role}")
    users.add_member(me, at, user, owner.account, role)
    client = Client(headers={"host": "127.0.0.1"})
    client.cookies["penstock_session_80"] = keeper()._open(user, user.name)
    return client


def town() -> Any:
    """A site with something to run, and a run that ended badly."""
    owner, at = site(), SystemClock().wall()
    photo(owner, stage="score", state="ready")
    run = Run.objects.create(
        id=ID, site=owner, pipeline="photos", status="failed", started_at=at, completed_at=at, plan={}
    )
    StageRun.objects.create(run=run, number=5, name="score", title="AI quality scoring", table="photo")
    photo(owner, stage="score", state="failed", run=run.id)
    return owner


def buttons(client: Client, address: str) -> set[str]:
    """What can be pressed or followed in the content of a page, less what everybody may."""
    text = client.get(address).content.decode().partition("<main")[2]
    found = re.findall(r'<(?:button|a class="button")[^>]*>([^<]+)', text)
    return {" ".join(one.split()) for one in found}


AUTOMATION = {"Run now", "Check first"}
RUN = {"Retry what failed", "Start a run from there", "Mark as resolved", "Check the result", "Incident bundle"}


@pytest.mark.parametrize(
    ("role", "on_automation", "on_the_run", "on_rollback"),
    [
        (Role.VIEWER, set(), set(), set()),
        (Role.OPERATOR, AUTOMATION, RUN, set()),
        (Role.OWNER, AUTOMATION | {"Save the configuration"}, RUN | {"Preview a rollback"}, {"Roll this run back"}),
    ],
)
def test_nobody_is_shown_a_button_that_would_be_refused(
    ledger_home: Path, role: Role, on_automation: set[str], on_the_run: set[str], on_rollback: set[str]
) -> None:
    client = person(role, town())
    assert buttons(client, "/sites/rome/automation") == on_automation
    assert buttons(client, f"/runs/{ID}") == on_the_run
    assert buttons(client, f"/runs/{ID}/rollback") == on_rollback


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_owners_are_shown_the_way_to_integrations(ledger_home: Path, role: Role) -> None:
    owner = town()
    assert "integrations" not in person(role, owner).get("/sites/rome/automation").content.decode()
    assert "/sites/rome/integrations" in person(Role.OWNER, owner).get("/sites/rome/automation").content.decode()


def test_a_view_without_a_mark_is_looked_at_by_viewers_and_acted_on_by_operators() -> None:
    def plain() -> None: ...

    marked = roles.asks(to_look=Role.OPERATOR, to_act=Role.OWNER)(plain)
    assert roles.needed(lambda: None, "GET") is Role.VIEWER
    assert roles.needed(lambda: None, "POST") is Role.OPERATOR
    assert roles.needed(marked, "HEAD") is Role.OPERATOR
    assert roles.needed(marked, "POST") is Role.OWNER
    assert roles.needed(marked, "DELETE") is Role.OWNER
