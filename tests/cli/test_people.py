from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.calling import call

SECRET = "three grey herons by the pond"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "password"
    place.write_text(SECRET + "\n", encoding="utf-8")
    return place


@pytest.fixture
def ann(ledger_home: Path, file: Path) -> str:
    assert call("user", "create", "ann", "--owner", "--account", "one", "--password-file", file).code == 0
    return "ann"


def test_the_first_owner_is_made_with_an_account(ann: str) -> None:
    found = call("--json", "user", "list").data["users"]
    assert found == [{"name": "ann", "active": True, "password": True, "roles": ["one: owner"]}]
    assert call("--json", "account", "list").data["accounts"] == [
        {"name": "one", "sites": [], "members": ["ann: owner"]}
    ]


def test_a_password_is_never_shown_nor_asked_for_without_a_terminal(ann: str) -> None:
    told = call("user", "list")
    assert SECRET not in told.out + told.err
    asked = call("user", "create", "ben")
    assert asked.code == 2
    assert "--password-file" in asked.err


def test_a_bad_password_or_name_is_refused_in_a_sentence(ledger_home: Path, tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_text("abc", encoding="utf-8")
    assert "12 to 200" in call("user", "create", "ben", "--password-file", short).err
    assert call("user", "create", "Ben", "--no-password").code == 2
    assert call("user", "create", "ben", "--password-file", tmp_path / "none").code == 2
    assert call("--json", "user", "list").data["users"] == []


def test_a_user_can_be_shut_out_and_let_in_again(ann: str, file: Path) -> None:
    assert call("user", "disable", "ann").code == 0
    assert call("--json", "user", "list").data["users"][0]["active"] is False
    assert call("user", "enable", "ann").code == 0
    assert call("user", "password", "ann", "--password-file", file).code == 0
    assert call("user", "disable", "nobody").code == 3


def test_members_have_one_role_and_an_account_keeps_its_last_owner(ann: str) -> None:
    call("user", "create", "ben", "--no-password")
    assert call("member", "add", "ben", "--account", "one", "--role", "viewer").code == 0
    assert call("member", "add", "ben", "--account", "one", "--role", "operator").code == 0
    members = call("--json", "member", "list", "--account", "one").data["members"]
    assert members == [{"user": "ann", "role": "owner"}, {"user": "ben", "role": "operator"}]
    assert call("member", "remove", "ann", "--account", "one").code == 4
    assert call("member", "remove", "ben", "--account", "one").code == 0
    assert call("member", "add", "ben", "--account", "one", "--role", "king").code == 2
    assert call("member", "add", "ben", "--account", "none", "--role", "owner").code == 3


def test_credits_are_granted_once_per_key_and_shown(ann: str) -> None:
    for _ in range(2):
        told = call("--json", "credits", "grant", "one", "12.5", "--key", "invoice-7", "--note", "a trial")
        assert told.data["available"] == 12.5
    found = call("--json", "credits", "show", "one").data
    assert (found["available"], found["reserved"], len(found["entries"])) == (12.5, 0.0, 1)
    assert call("credits", "grant", "one", "0").code == 2
    assert call("credits", "show", "nobody").code == 3


def test_an_account_is_made_once(ledger_home: Path) -> None:
    assert call("account", "create", "two").code == 0
    assert call("account", "create", "two").code == 2
    assert "no account yet" not in call("account", "list").out


@pytest.mark.parametrize("words", [("user", "list"), ("account", "list"), ("member", "list", "--account", "one")])
def test_an_empty_list_says_what_to_do_next(ledger_home: Path, words: Any) -> None:
    if words[0] == "member":
        call("account", "create", "one")
    assert "penstock" in call(*words).out
