"""Two accounts with a site and a run each, and a client for everybody who may call."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from penstock import boot, config

boot.start(config.load())

BASE = "/api/v1/automation/"
HOST = {"host": "127.0.0.1"}


@dataclass
class Town:
    """Who is there. `clients` are signed in by name; `run` and `theirs_run` have ended."""

    ours: Any
    theirs: Any
    run: str
    theirs_run: str
    item: int
    theirs_item: int
    tokens: dict[str, str] = field(default_factory=dict)
    clients: dict[str, Any] = field(default_factory=dict)

    def call(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """One request by a token; "anonymous" has none."""
        from django.test import Client

        headers = HOST | ({"authorization": f"Bearer {self.tokens[who]}"} if who in self.tokens else {})
        more = {} if body is None else {"data": body, "content_type": "application/json"}
        return Client(headers=headers, raise_request_exception=False).generic(method, path, **_sent(more))

    def get(self, path: str, who: str = "owner") -> Any:
        """GET below the API."""
        return self.call(who, "GET", BASE + path)

    def post(self, path: str, who: str = "owner") -> Any:
        """POST below the API."""
        return self.call(who, "POST", BASE + path)

    def put(self, path: str, body: Any, who: str = "owner") -> Any:
        """PUT below the API."""
        return self.call(who, "PUT", BASE + path, body)


def _sent(more: dict[str, Any]) -> dict[str, Any]:
    import json

    if not more:
        return {}
    data = more["data"]
    return {**more, "data": data if isinstance(data, str | bytes) else json.dumps(data)}


@pytest.fixture
def town(ledger_home: Path) -> Town:
    """People with tokens, photos that wait, and an ended run per site."""
    from penstock.accounts import tokens, users
    from penstock.accounts.access import Caller, Role
    from penstock.engine.clock import SystemClock
    from penstock.engine.ids import RandomIds
    from tests.console.rows import photo, site

    me, at = Caller("root", via="terminal"), SystemClock().wall()
    ours, theirs = site("ours", account="one"), site("theirs", account="two")
    items = [photo(one).pk for one in (ours, theirs)]
    made = Town(ours, theirs, ended(ours), ended(theirs), *items)
    people = {"viewer": (ours, Role.VIEWER), "operator": (ours, Role.OPERATOR), "owner": (ours, Role.OWNER)}
    people["foreign"] = (theirs, Role.OWNER)
    for name, (place, role) in people.items():
        user = users.create(me, at, name)
        users.add_member(me, at, user, place.account, role)
        made.tokens[name] = tokens.create(me, at, RandomIds(), user, role=Role.OWNER)[1]
    return made


def ended(site: Any) -> str:
    """A run that took nothing and is over."""
    from penstock.config import current
    from penstock.engine.clock import SystemClock
    from penstock.engine.ids import RandomIds
    from penstock.ledger import control
    from penstock.ledger.drive import ledger_of

    run = control.start(site, SystemClock(), RandomIds(), scope={})
    ledger_of(current()).rest(run.id)
    return str(run.id)
