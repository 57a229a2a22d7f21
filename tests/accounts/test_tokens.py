from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from penstock.accounts import tokens, users
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import ApiToken, AuditEntry
from penstock.engine.errors import NotFound, UsageError
from penstock.engine.ids import RandomIds
from tests.accounts.conftest import AT

ME = Caller("root", via="terminal")


def made(world: Any, **more: Any) -> tuple[ApiToken, str]:
    return tokens.create(ME, AT, RandomIds(), world.ann, **more)


def test_a_token_has_256_bits_is_shown_once_and_kept_as_a_hash(world: Any) -> None:
    token, text = made(world)
    assert len(text) == len(tokens.PREFIX) + 64
    stored = str(list(ApiToken.objects.values())) + str(list(AuditEntry.objects.values()))
    assert text not in stored
    assert text[4:40] not in stored
    assert token.last4 == text[-4:]


def test_a_token_acts_for_its_user_within_its_limits(world: Any) -> None:
    _, text = made(world, role=Role.OPERATOR, site=world.ours)
    assert tokens.caller_of(text, AT) == Caller("ann", world.ann.pk, "token", Role.OPERATOR, world.ours.pk)


def test_a_token_is_worth_nothing_when_it_is_over_revoked_or_its_user_is_shut_out(world: Any) -> None:
    _, over = made(world, expires_at=AT + timedelta(hours=1))
    assert tokens.caller_of(over, AT)
    assert tokens.caller_of(over, AT + timedelta(hours=1)) is None
    token, revoked = made(world)
    tokens.revoke(ME, AT, token.pk)
    tokens.revoke(ME, AT, token.pk)
    assert tokens.caller_of(revoked, AT) is None
    assert AuditEntry.objects.filter(verb="token.revoke").count() == 1
    _, orphan = made(world)
    users.set_active(ME, AT, world.ann, False)
    assert tokens.caller_of(orphan, AT) is None


@pytest.mark.parametrize("text", ["", "pst_", "pst_" + "0" * 64, "x", "pst_é\ud800"])
def test_what_is_no_token_is_nobody(world: Any, text: str) -> None:
    assert tokens.caller_of(text, AT) is None


def test_a_token_that_would_be_over_already_is_not_made(world: Any) -> None:
    with pytest.raises(UsageError, match="past"):
        made(world, expires_at=AT)
    with pytest.raises(NotFound):
        tokens.revoke(ME, AT, 12345)


def test_the_last_use_is_kept_to_the_hour(world: Any) -> None:
    token, text = made(world)
    for minutes in (0, 30, 59):
        tokens.caller_of(text, AT + timedelta(minutes=minutes))
    token.refresh_from_db()
    assert token.used_at == AT
    tokens.caller_of(text, AT + timedelta(minutes=61))
    token.refresh_from_db()
    assert token.used_at == AT + timedelta(minutes=61)
