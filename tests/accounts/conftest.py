"""Django, before the tests name models; and a small world of people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from penstock import boot, config

boot.start(config.load())

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass
class World:
    """Two accounts with a site each; ann owns the first, ben views it, cid owns the second."""

    ann: Any
    ben: Any
    cid: Any
    ours: Any
    theirs: Any


@pytest.fixture
def world(ledger_home: Path) -> World:
    """People and sites."""
    from penstock.accounts import users
    from penstock.accounts.access import Caller, Role
    from penstock.accounts.models import create_site

    me = Caller("root", via="terminal")
    ours, theirs = create_site("ours", "photos", account="one"), create_site("theirs", "photos", account="two")
    ann, ben, cid = (users.create(me, AT, name) for name in ("ann", "ben", "cid"))
    users.add_member(me, AT, ann, ours.account, Role.OWNER)
    users.add_member(me, AT, ben, ours.account, Role.VIEWER)
    users.add_member(me, AT, cid, theirs.account, Role.OWNER)
    return World(ann, ben, cid, ours, theirs)
