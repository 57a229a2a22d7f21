from __future__ import annotations

from typing import Any

import pytest

from penstock.accounts import access
from penstock.accounts.access import Caller, Denied, Role
from penstock.engine.errors import NotFound, UsageError


def test_a_role_covers_itself_and_those_below() -> None:
    covered = {(a, b) for a in Role for b in Role if a.covers(b)}
    assert len(covered) == 6
    assert (Role.OPERATOR, Role.OWNER) not in covered


def test_a_caller_reaches_the_sites_of_their_accounts(world: Any) -> None:
    assert [site.name for site in access.sites_of(Caller("ann", world.ann.pk))] == ["ours"]
    assert [site.name for site in access.sites_of(Caller("cid", world.cid.pk))] == ["theirs"]
    assert len(access.sites_of(Caller("root"))) == 2


@pytest.mark.parametrize("by_name", [False, True])
def test_a_foreign_site_and_a_missing_one_are_told_alike(world: Any, by_name: bool) -> None:
    wanted = [world.theirs.name, "nowhere"] if by_name else [world.theirs.pk, 987654]
    told = set()
    for one in wanted:
        with pytest.raises(NotFound) as caught:
            access.reach(Caller("ann", world.ann.pk), one)
        told.add((str(caught.value), caught.value.code))
    assert len(told) == 1


def test_a_role_that_is_too_low_is_denied_with_both(world: Any) -> None:
    ben = Caller("ben", world.ben.pk)
    assert access.reach(ben, world.ours.pk) == world.ours
    with pytest.raises(Denied, match="needs the role operator; yours is viewer"):
        access.reach(ben, world.ours.pk, Role.OPERATOR)


def test_a_token_is_never_more_than_its_limits_nor_than_its_user(world: Any) -> None:
    account = world.ours.account_id
    assert access.role_in(Caller("ann", world.ann.pk, "token", Role.OPERATOR), account) is Role.OPERATOR
    assert access.role_in(Caller("ben", world.ben.pk, "token", Role.OWNER), account) is Role.VIEWER
    elsewhere = Caller("ann", world.ann.pk, "token", Role.OWNER, site=world.theirs.pk)
    assert not access.sites_of(elsewhere)


def test_a_foreign_account_and_a_missing_one_are_told_alike_and_a_site_token_reaches_none(world: Any) -> None:
    told = set()
    here = Caller("ann", world.ann.pk)
    for caller, name in ((here, "two"), (here, "x"), (Caller("ann", world.ann.pk, site=world.ours.pk), "one")):
        with pytest.raises(NotFound) as caught:
            access.reach_account(caller, name)
        told.add(str(caught.value))
    assert told == {"there is no such account"}
    assert access.reach_account(here, "one", Role.OWNER) == world.ours.account


def test_a_role_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match="viewer, operator, owner"):
        access.role_named("admin")
