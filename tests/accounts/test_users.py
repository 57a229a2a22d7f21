from __future__ import annotations

from typing import Any

import pytest

from penstock.accounts import audit, users
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import AuditEntry, Membership
from penstock.engine.errors import NotFound, Refused, UsageError
from penstock.engine.failpoint import SimulatedCrash, armed
from tests.accounts.conftest import AT

ME = Caller("root", via="terminal")


def test_a_bad_or_taken_name_is_refused(world: Any) -> None:
    for name in ("", "Ann", "a b", "x" * 61, "-a", "ann"):
        with pytest.raises(UsageError):
            users.create(ME, AT, name)
    with pytest.raises(UsageError, match="already"):
        users.create_account(ME, AT, "one")


def test_an_account_never_loses_its_last_owner(world: Any) -> None:
    one = world.ours.account
    with pytest.raises(Refused, match="only owner"):
        users.remove_member(ME, AT, world.ann, one)
    with pytest.raises(Refused, match="only owner"):
        users.add_member(ME, AT, world.ann, one, Role.VIEWER)
    users.add_member(ME, AT, world.ben, one, Role.OWNER)
    users.remove_member(ME, AT, world.ann, one)
    assert Membership.objects.get(account=one).user == world.ben


def test_who_is_no_member_cannot_be_removed(world: Any) -> None:
    with pytest.raises(NotFound, match="no member"):
        users.remove_member(ME, AT, world.cid, world.ours.account)


def test_each_change_is_audited_with_who_did_it_and_nothing_secret(world: Any) -> None:
    users.set_password(Caller("ann", world.ann.pk), AT, world.ben, "a sentence about rivers")
    entry = audit.entries()[0]
    assert (entry.who, entry.via, entry.verb, entry.subject) == ("ann", "session", "user.password", "ben")
    assert "rivers" not in str(list(AuditEntry.objects.values()))
    assert [e.verb for e in audit.entries(account=world.theirs.account_id)] == ["member.add"]


def test_a_change_and_its_entry_are_one(world: Any) -> None:
    before = AuditEntry.objects.count()
    with pytest.raises(SimulatedCrash), armed("accounts.user.before_commit=crash"):
        users.create(ME, AT, "dora")
    with pytest.raises(NotFound):
        users.user_named("dora")
    assert AuditEntry.objects.count() == before


def test_serving_others_needs_an_owner_with_a_password(world: Any) -> None:
    assert not users.someone_can_sign_in()
    users.set_password(ME, AT, world.ben, "a sentence about rivers")
    assert not users.someone_can_sign_in()
    users.set_password(ME, AT, world.ann, "a sentence about rivers")
    assert users.someone_can_sign_in()
    users.set_active(ME, AT, world.ann, False)
    assert not users.someone_can_sign_in()
