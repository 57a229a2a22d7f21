from __future__ import annotations

from pathlib import Path

import pytest

from penstock.accounts import tokens
from penstock.accounts.access import Role
from penstock.engine.clock import SystemClock
from tests.cli.calling import call


@pytest.fixture
def ann(ledger_home: Path) -> None:
    assert call("site", "create", "alps", "--pipeline", "photos", "--account", "one").code == 0
    assert call("user", "create", "ann", "--owner", "--account", "one", "--no-password").code == 0


def test_a_token_is_printed_once_and_works(ann: None) -> None:
    made = call("--json", "token", "create", "--user", "ann", "--role", "operator", "--site", "alps").data
    caller = tokens.caller_of(made["token"], SystemClock().wall())
    assert caller is not None
    assert (caller.name, caller.most) == ("ann", Role.OPERATOR)
    listed = call("token", "list")
    assert made["token"] not in listed.out
    assert made["token"][-4:] in listed.out


def test_without_json_the_token_stands_alone_on_standard_output(ann: None) -> None:
    told = call("token", "create", "--user", "ann")
    assert told.out.strip().startswith(tokens.PREFIX)
    assert len(told.out.split()) == 1
    assert "not shown again" in told.err


def test_a_revoked_token_is_worth_nothing(ann: None) -> None:
    made = call("--json", "token", "create", "--user", "ann", "--expires", "never").data
    assert call("token", "revoke", made["id"]).code == 0
    assert tokens.caller_of(made["token"], SystemClock().wall()) is None
    assert call("token", "revoke", "4711").code == 3


@pytest.mark.parametrize("expires", ["soon", "0d", "2020-01-01", "1y", ""])
def test_an_end_that_cannot_be_is_refused(ann: None, expires: str) -> None:
    assert call("token", "create", "--user", "ann", "--expires", expires).code == 2


@pytest.mark.parametrize("expires", ["12h", "90d", "4w", "2099-01-31", "2099-01-31T12:00:00+01:00"])
def test_an_end_is_a_span_or_a_date(ann: None, expires: str) -> None:
    made = call("--json", "token", "create", "--user", "ann", "--expires", expires)
    assert made.code == 0
    assert made.data["expires_at"]


def test_the_audit_log_says_who_changed_what(ann: None) -> None:
    call("token", "create", "--user", "ann", "--site", "alps")
    found = call("--json", "audit").data["entries"]
    assert [one["verb"] for one in found] == ["token.create", "member.add", "user.create"]
    assert {one["via"] for one in found} == {"terminal"}
    assert [one["verb"] for one in call("--json", "audit", "alps").data["entries"]] == ["token.create"]
    assert "token.create" in call("audit", "-n", "1").out
